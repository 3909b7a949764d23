require ["include", "variables"];
export "words";
import ["words", "more"];
global "words";
# Neither is at the top.
export "more";
