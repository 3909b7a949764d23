require ["include", "variables"];
import "words";
set "words" "${words} old";
