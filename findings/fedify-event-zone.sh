#!/bin/bash
# @fedify/vocab 2.3.6 (npm): when and where an event is.
#
# Guess: an event that is read and written again begins at the same local time,
#   and is at the same street: "18:00+01:00" and the PostalAddress of its Place,
#   which Mobilizon writes.
# Seen: the time is written in UTC, 17:00Z, and the address is gone. Who shows
#   events by this library cannot say at which hour of the place they begin.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true,"type":"module"}' >package.json
npm install --ignore-scripts --no-audit --no-fund --loglevel=error @fedify/vocab@2.3.6 >/dev/null
cat >main.mjs <<'END'
import { Object } from "@fedify/vocab";
const event = await Object.fromJsonLd({
  "@context": ["https://www.w3.org/ns/activitystreams", {
    sc: "http://schema.org#", address: { "@id": "sc:address", "@type": "@id" },
    PostalAddress: "sc:PostalAddress", streetAddress: "sc:streetAddress",
  }],
  id: "https://events.example/1", type: "Event", name: "Moss walk", startTime: "2026-12-24T18:00:00+01:00",
  location: { type: "Place", name: "The park", address: { type: "PostalAddress", streetAddress: "1 rue des Mousses" } },
});
const again = await event.toJsonLd({ format: "compact" });
console.log(again.startTime, JSON.stringify(again.location));
END
seen=$(node main.mjs 2>/dev/null)
echo "$seen"
[ "$seen" = '2026-12-24T17:00:00Z {"type":"Place","name":"The park"}' ] || { echo 'the behaviour has changed'; exit 1; }
