# A page of the manual out of a command's --help: sections with a heading at the line's start, lists with two columns.

function escape(text) {
  gsub(/\\/, "\\e", text)
  gsub(/-/, "\\-", text)
  gsub(/'/, "\\(aq", text)
  return (text ~ /^[.]/ ? "\\&" : "") text
}

# The options' names in bold, their values as they are.
function tag(text,    words, count, i, made) {
  count = split(text, words, " ")
  for (i = 1; i <= count; i++) {
    made = made (i > 1 ? " " : "") (words[i] ~ /^-/ || heading == "Commands" && i == 1 ? "\\fB" escape(words[i]) "\\fR" : escape(words[i]))
  }
  return made
}

function trim(text) {
  gsub(/^ +| +$/, "", text)
  return text
}

function end_item() {
  if (left != "") {
    body[heading] = body[heading] ".TP\n" tag(left) "\n" escape(right) "\n"
  }
  left = right = ""
}

function section(title, text) {
  if (text != "") {
    printf ".SH %s\n%s", title, text
  }
}

/^[A-Z][a-z]+:$/ {
  end_item()
  heading = substr($0, 1, length($0) - 1)
  column = 0
  next
}

/^ *$/ { next }

heading == "Description" {
  summary = summary (summary == "" ? "" : " ") trim($0)
  next
}

heading == "Details" {
  # A line that ends a sentence may end a paragraph: then a new line is right, and otherwise it does no harm.
  details = details escape(trim($0)) (/[.:]$/ ? "\n.br\n" : "\n")
  next
}

heading == "Usage" || heading == "Example" {
  body[heading] = body[heading] escape(substr($0, 3)) "\n"
  next
}

# Arguments, Options, Commands: "  NAME  what it is", each column wrapped within itself.
{
  if (column == 0) {
    match($0, /^  [^ ]+( [^ ]+)*  +/)
    column = RLENGTH + 1
  }
  name_part = trim(substr($0, 1, column - 1))
  if (name_part != "" && name_part !~ /^</ || left == "") {
    end_item()
    left = name_part
  } else if (name_part != "") {
    left = left " " name_part
  }
  right = right (right == "" ? "" : " ") trim(substr($0, column))
}

END {
  end_item()
  if (summary == "" || body["Usage"] == "") {
    print name ": expected a help with Description and Usage" > "/dev/stderr"
    exit 3
  }
  topic = summary
  sub(/^PinAgent /, "", topic)
  printf ".TH %s 1 %s \"PinAgent %s\" \"PinAgent\"\n.nh\n.ad l\n", toupper(escape(name)), date, version
  section("NAME", escape(name) " \\- " escape(topic) "\n")
  section("SYNOPSIS", ".nf\n" body["Usage"] ".fi\n")
  section("DESCRIPTION", escape(summary) "\n" (details == "" ? "" : ".PP\n" details))
  section("COMMANDS", body["Commands"])
  section("ARGUMENTS", body["Arguments"])
  section("OPTIONS", body["Options"])
  section("EXAMPLES", body["Example"] == "" ? "" : ".nf\n" body["Example"] ".fi\n")
  others = name == "pinagent" ? "" : ".BR pinagent (1)"
  count = split(commands, list, /[ \n]+/)
  for (i = 1; i <= count; i++) {
    if (name != "pinagent-" list[i]) {
      others = others (others == "" ? "" : ",\n") ".BR pinagent\\-" list[i] " (1)"
    }
  }
  section("FILES", ".TP\n/etc/pinagent/config.yaml\nSettings, read where no other file is named.\n.TP\n/run/pinagent\nThe running agent\\(aqs socket, and what it remembers.\n")
  section("SEE ALSO", others "\n")
}
