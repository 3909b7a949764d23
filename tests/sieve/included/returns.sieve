require ["include", "variables"]; global "words"; set "words" "before"; return; set "words" "after";
