require ["regex", "variables"];
set "a" "((((a{1,50}){1,50}){1,50}){1,50})";
if string :regex "a" "${a}" { discard; }
