require ["include"];
if header :contains "subject" "$$" { return; }
keep;
