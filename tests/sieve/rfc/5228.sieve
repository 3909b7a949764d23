# Written after the examples of RFC 5228: a filter that a person has.
require ["fileinto", "envelope", "reject"];

if header :is "Sender" "owner-ietf-mta-filters@imc.org"
{
	fileinto "filter"; # a mailing list
}
elsif address :DOMAIN :is ["From", "To"] "example.com"
{
	keep; /* from here,
	         or to here */
}
elsif anyof (not address :all :contains ["To", "Cc", "Bcc"] "me@example.com",
             header :matches "subject" ["*make*money*fast*", "*university*dipl*mas*"])
{
	fileinto "spam";
}
elsif allof (envelope :all :is "from" "tim@example.com", size :over 500K)
{
	reject text:
Your message is too large.
.
	;
}
else
{
	fileinto "personal";
}
