require ["include", "variables"];
set "name" "adds";
include "${name}";
include "../adds";
include :personal :global "adds";
