require ["regex", "variables"];
set "a" "[";
if header :regex "subject" "${a}" { discard; }
