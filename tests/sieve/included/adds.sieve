require ["include", "variables"]; global "words"; set "own" "x"; set "words" "${words} two";
