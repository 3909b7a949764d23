# Many extensions in one script, as a careful person would use them.
require ["variables", "fileinto", "mailbox", "copy", "imap4flags", "date", "relational", "comparator-i;ascii-numeric",
         "regex", "body", "subaddress", "envelope", "editheader", "vacation", "vacation-seconds", "enotify", "duplicate",
         "spamtestplus", "environment", "ihave", "index", "encoded-character", "special-use", "mime", "foreverypart", "extracttext"];

if duplicate :seconds 3600 { discard; stop; }

if spamtest :value "ge" :comparator "i;ascii-numeric" "8" {
	fileinto :specialuse "\\Junk" :create :flags "\\Seen" "Spam";
	stop;
}

if envelope :detail :matches "to" "*" {
	set :lower :upperfirst "folder" "${1}";
	if not string :is "${folder}" "" { fileinto :copy :create "Lists/${folder}"; }
}

if allof (currentdate :value "ge" "date" "2007-06-30", currentdate :value "le" "date" "2007-07-07") {
	vacation :days 7 :subject "On holiday" :handle "july" "I am away until the 8th.";
}

if header :regex "subject" "\\[ticket #([0-9]+)\\]" {
	addheader "X-Ticket" "${1}";
	addflag "$Ticket";
}

foreverypart {
	if allof (header :mime :type "Content-Type" "text", body :contains "urgent") {
		extracttext :first 80 "begin";
		notify :importance "1" :message "${begin}" "mailto:pager@example.org";
		break;
	}
}

if ihave "vnd.example.nothing" { nothing; } else { keep; }
