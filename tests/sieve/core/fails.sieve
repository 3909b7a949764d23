require ["fileinto", "variables"];
fileinto "elsewhere";
set "address" "nobody at all";
redirect "${address}";
