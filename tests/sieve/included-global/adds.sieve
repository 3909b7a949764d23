require ["include", "variables"]; global "words"; set "words" "${words} three";
