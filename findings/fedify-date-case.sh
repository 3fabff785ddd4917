#!/bin/bash
# @fedify/vocab 2.3.6 (npm): dates in small letters, and dates that are none.
#
# Guess: "2026-12-01t10:00:00z" is read, as RFC 3339 (5.6) lets T and Z be small
#   letters; and a date that cannot be read costs the date only.
# Seen: both cost the whole object. The zone is looked for with a capital Z
#   only, a second one is appended, and the error that follows is that of the
#   document: a post with a good text is not read at all.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true,"type":"module"}' >package.json
npm install --ignore-scripts --no-audit --no-fund --loglevel=error @fedify/vocab@2.3.6 >/dev/null
cat >main.mjs <<'END'
import { Note, Object } from "@fedify/vocab";
for (const updated of ["2026-12-01T10:00:00Z", "2026-12-01t10:00:00z", "2026-12-01"]) {
  try {
    const note = await Object.fromJsonLd({
      "@context": "https://www.w3.org/ns/activitystreams",
      id: "https://notes.example/1", type: "Note", content: "moss", updated,
    });
    console.log(updated, note instanceof Note, String(note.content));
  } catch (error) {
    console.log(updated, error.name);
  }
}
END
seen=$(node main.mjs 2>/dev/null)
echo "$seen"
[ "$seen" = '2026-12-01T10:00:00Z true moss
2026-12-01t10:00:00z RangeError
2026-12-01 RangeError' ] || { echo 'the behaviour has changed'; exit 1; }
