require ["fileinto", "include"];
if header :contains "subject" "$$" { fileinto "INBOX/Spam"; stop; }
