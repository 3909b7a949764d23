require ["variables", "imap4flags", "date", "relational", "index", "vacation", "editheader", "subaddress", "mailbox", "special-use", "fileinto", "envelope"];
set "a";
set "a b" "c";
set :lower :upper "a" "c";
setflag 1;
if date "date" "century" "20" { }
if date :zone "Berlin" "date" "year" "2020" { }
if header :value "above" "a" "1" { }
if header :index 0 "a" "b" { }
if header :last "a" "b" { }
vacation :days "x" "away";
vacation :from "nobody" "away";
deleteheader "a b";
if address :user :detail "from" "x" { }
if mailboxexists 1 { }
if specialuse_exists "Junk" { }
fileinto :specialuse "Junk" "x";
if envelope "frm" "x" { }
if string "${nothing.a}" "x" { }
