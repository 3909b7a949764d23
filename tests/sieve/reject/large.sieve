require ["reject", "ereject"];
if size :over 100 {
	reject text:
Your message is too big.  If you want to send me a big attachment,
put it on a public web site and send me a URL.
.
	;
} elsif address "from" "nobody@example.edu" {
	ereject "I no longer accept mail from this address";
}
