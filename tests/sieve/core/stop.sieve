require "fileinto";
if true {
	fileinto "elsewhere";
	if not false { stop; }
	discard;
}
keep;
