#compdef pinagent
# zsh completion for pinagent: source <(pinagent completion zsh), after compinit
_pinagent() {
  local line
  local -a found
  for line in "${(@f)$(command ${(Q)words[1]} complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -z $line ]] || found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  if (($#found)); then
    _describe pinagent found
  else
    _files
  fi
}
if [[ $funcstack[1] == _pinagent ]]; then
  _pinagent "$@"
else
  compdef _pinagent pinagent
fi
