require ["ereject", "fileinto"];
fileinto "x";
ereject "No.";
