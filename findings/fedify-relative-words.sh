#!/bin/bash
# @fedify/vocab 2.3.6 (npm): short and empty words where an address is expected.
#
# Guess: `"to": "Public"` is the public, which ActivityPub (5.6) asks to accept
#   beside "as:Public" and the whole address; `"inReplyTo": ""` is no parent.
# Seen: both are taken as relative to the object's own id. The note is addressed
#   to https://notes.example/Public, which is nobody, and answers
#   https://notes.example/, which is no post. "as:Public" is understood.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true,"type":"module"}' >package.json
npm install --ignore-scripts --no-audit --no-fund --loglevel=error @fedify/vocab@2.3.6 >/dev/null
cat >main.mjs <<'END'
import { Object, PUBLIC_COLLECTION } from "@fedify/vocab";
for (const to of ["as:Public", "Public"]) {
  const note = await Object.fromJsonLd({
    "@context": "https://www.w3.org/ns/activitystreams",
    id: "https://notes.example/1", type: "Note", content: "moss", to, inReplyTo: "",
  });
  console.log(to, note.toId.href === PUBLIC_COLLECTION.href ? "public" : note.toId.href, note.replyTargetId.href);
}
END
seen=$(node main.mjs 2>/dev/null)
echo "$seen"
[ "$seen" = 'as:Public public https://notes.example/
Public https://notes.example/Public https://notes.example/' ] || { echo 'the behaviour has changed'; exit 1; }
