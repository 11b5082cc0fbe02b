#!/usr/bin/env bash
# Removes the spent pairing token from cloud-init's records, which keep the user-data for good. Runs once after pairing and
# again at each boot, since cloud-init may then read the user-data anew.
#
# While the token's file is still there, the token itself is looked for; later it is recognised by its place: the content of
# the entry for that file. It is overwritten where it stands with as many characters, so that pickled lengths stay true.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib.sh"

# perl reads the list of files and the token's file by itself: the token is in no argument and no environment.
overwrite_tokens() {
    perl -e '
        use strict;
        use warnings;
        my $place = "/etc/kindling/pair-token";
        sub slurp { my $name = shift; open(my $in, "<:raw", $name) or return undef; local $/; my $text = <$in>; return $text }
        my $token = slurp($place) // "";
        $token =~ s/\s+\z//;
        my $failed = 0;
        local $/ = "\0";
        while (my $file = <STDIN>) {
            chomp $file;
            my $text = slurp($file);
            next unless defined $text; # gone meanwhile
            my $before = $text;
            $text =~ s/\Q$token\E/"x" x length($token)/ge if length($token) >= 8;
            # JSON, also within a string of JSON: the innermost object that names the place.
            $text =~ s[(\{[^{}]*\})][
                my $entry = $1;
                $entry =~ s/(content\\*"\s*:\s*\\*")([^"\\]*)/$1 . "x" x length($2)/e
                    if $entry =~ m{path\\*"\s*:\s*\\*"\Q$place\E\\*"};
                $entry
            ]gex;
            # YAML: the item of the list that names the place.
            $text =~ s[^([ \t]*-[ ](?:.*\n)(?:(?![ \t]*-[ ]).*\n?)*)][
                my $entry = $1;
                $entry =~ s/\b(content:[ ]*["\x27]?)([^\s"\x27]+)/$1 . "x" x length($2)/e
                    if $entry =~ m{\bpath:[ ]*["\x27]?\Q$place\E["\x27]?[ ]*$}m;
                $entry
            ]gemx;
            next if $text eq $before;
            if (open(my $out, "+<:raw", $file)) { print {$out} $text; close($out) or $failed = 1 } else { $failed = 1 }
        }
        exit $failed'
}

for folder in /var/lib/cloud /run/cloud-init; do
    if [[ -d $folder ]]; then find "$folder" -type f -print0; fi
done | overwrite_tokens || {
    log "the spent pairing token could not be removed everywhere from cloud-init's records"
    exit 1
}
