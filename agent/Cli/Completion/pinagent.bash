# bash completion for pinagent: source <(pinagent completion bash)
# shellcheck shell=bash
_pinagent() {
  local word line words=()
  # bash takes --sort=pain apart at the sign.
  for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
    [[ $word == "=" ]] || words+=("$word")
  done
  [[ $word != "=" ]] || words+=("")
  COMPREPLY=()
  while IFS=$'\t' read -r line _; do
    COMPREPLY+=("$line")
  done < <(command "$1" complete -- "${words[@]}" 2>/dev/null)
}
complete -o bashdefault -o default -F _pinagent pinagent
