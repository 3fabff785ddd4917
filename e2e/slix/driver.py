"""An XMPP client on slixmpp that tests drive: a JSON object a line on standard
input is a request ({"n": 1, "do": "publish", ...}), a JSON object a line on
standard output is an answer ({"n": 1, "ok": ...} or {"n": 1, "error": ...}) or
something that arrived ({"event": "message" | "pubsub" | "presence", ...}).

Arguments: JID, password, host:port, CA file."""

import asyncio
import json
import sys
import xml.etree.ElementTree as ET

from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError, IqTimeout
from slixmpp.plugins.xep_0059 import Set
from slixmpp.plugins.xep_0060.stanza import Pubsub
from slixmpp.xmlstream import register_stanza_plugin
from slixmpp.xmlstream.handler import Collector
from slixmpp.xmlstream.matcher import MatchXMLMask

ATOM = "http://www.w3.org/2005/Atom"


def say(**what):
    print(json.dumps(what), flush=True)


class Driver(ClientXMPP):
    def __init__(self, jid, password, ca):
        super().__init__(jid, password)
        self.ca_certs = ca
        for plugin in ("xep_0004", "xep_0030", "xep_0050", "xep_0055", "xep_0059", "xep_0060", "xep_0163", "xep_0199", "xep_0313", "xep_0444", "xep_0461"):
            self.register_plugin(plugin)
        register_stanza_plugin(Pubsub, Set)  # its own iterator needs it and forgets it
        self.auto_authorize = True
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("failed_auth", lambda _: say(event="failed", why="authentication"))
        self.add_event_handler("disconnected", lambda why: say(event="disconnected", why=str(why)))
        self.add_event_handler("message", self.message)
        self.add_event_handler("pubsub_publish", lambda m: self.pubsub("publish", m))
        self.add_event_handler("pubsub_retract", lambda m: self.pubsub("retract", m))
        self.add_event_handler("presence_subscribed", lambda p: say(event="presence", type="subscribed", jid=p["from"].bare))

    async def started(self, _):
        self.send_presence()
        await self.get_roster()
        say(event="ready", jid=self.boundjid.full)

    def message(self, message):
        if message["type"] in ("chat", "normal", "error"):
            say(event="message", jid=message["from"].bare, id=message["id"], type=message["type"], body=message["body"])

    def pubsub(self, kind, message):
        items = message["pubsub_event"]["items"]
        for item in items["substanzas"]:
            say(event="pubsub", kind=kind, jid=message["from"].bare, node=items["node"], id=item["id"],
                publisher=item._get_attr("publisher"), title=title(item.get("payload")) if kind == "publish" else "")

    async def archive(self, to, node, words):
        """All of an archive, two results a page, by slixmpp's own iterator. It has no argument for node and words."""
        mam = self.plugin["xep_0313"]
        iq, mask = mam._pre_mam_retrieve(to)
        if node:
            iq["mam"].xml.set("node", node)
        if words:
            iq["mam"]._setup_form()
            iq["mam"]["form"].add_field(var="{urn:xmpp:fulltext:0}fulltext", value=words)
        collectors = []

        def before(query):
            query["mam"]["queryid"] = mask["mam_result"]["queryid"] = query["id"]
            collectors.append(Collector("archive" + query["id"], MatchXMLMask(str(mask))))
            self.register_handler(collectors[-1])

        def after(result):
            found = collectors.pop().stop()
            if result["type"] == "result":
                result["mam"]["results"] = result["mam_fin"]["results"] = found

        found = []
        pages = self.plugin["xep_0059"].iterate(iq, "mam", "results", amount=2, recv_interface="mam_fin", pre_cb=before, post_cb=after)
        async for page in pages:
            for message in page["mam"]["results"]:
                inner = message["mam_result"]["forwarded"]["stanza"]
                for item in inner["pubsub_event"]["items"]["substanzas"]:
                    found.append({"id": item["id"], "publisher": item._get_attr("publisher"), "title": title(item["payload"]),
                                  "text": " ".join(t.strip() for t in item["payload"].itertext() if t.strip())})
        return found

    async def run(self, q):
        do, to, node = q["do"], q.get("to"), q.get("node")
        pubsub = self.plugin["xep_0060"]
        if do == "publish":
            options = None
            if q.get("options"):
                options = self.plugin["xep_0004"].make_form(ftype="submit")
                options.add_field(var="FORM_TYPE", ftype="hidden", value="http://jabber.org/protocol/pubsub#publish-options")
                for name, value in q["options"].items():
                    options.add_field(var=name, value=value)
            answer = await pubsub.publish(to, node, id=q.get("id"), payload=ET.fromstring(q["payload"]), options=options)
            return answer["pubsub"]["publish"]["item"]["id"]
        if do == "retract":
            await pubsub.retract(to, node, q["id"], notify="true")
            return None
        if do == "subscribe":
            answer = await pubsub.subscribe(to, node, bare=True)
            return answer["pubsub"]["subscription"]["subscription"]
        if do == "unsubscribe":
            await pubsub.unsubscribe(to, node, bare=True)
            return None
        if do == "items":
            answer = await pubsub.get_items(to, node, max_items=q.get("max"), timeout=30)
            return [describe(item) for item in answer["pubsub"]["items"]["substanzas"]]
        if do == "walk":  # slixmpp's own iterator over result sets
            found = []
            async for page in pubsub.get_items(to, node, iterator=True):
                found += [describe(item) for item in page["pubsub"]["items"]["substanzas"]]
            return found
        if do == "info":
            info = (await self.plugin["xep_0030"].get_info(jid=to, node=node))["disco_info"]
            return {"identities": [list(i)[:2] for i in info["identities"]], "features": sorted(info["features"])}
        if do == "nodes":
            answer = await self.plugin["xep_0030"].get_items(jid=to, node=node)
            return [i[1] or i[2] for i in answer["disco_items"]["items"]]
        if do == "people":
            iq = self.plugin["xep_0055"].make_search_iq(ito=to)
            for name, value in q["fields"].items():
                iq["search"]["form"].add_field(var=name, value=value)
            answer = await iq.send(timeout=30)
            return [dict(i) for i in answer["search"]["form"]["items"]]
        if do == "step":  # of an ad-hoc command
            form = None
            if q.get("fields") is not None:
                form = self.plugin["xep_0004"].make_form(ftype="submit")
                for name, value in q["fields"].items():
                    form.add_field(var=name, value=value)
            answer = await self.plugin["xep_0050"].send_command(to, node, action=q["action"], payload=form, sessionid=q.get("session"), flow=False)
            command = answer["command"]
            return {"session": command["sessionid"], "status": command["status"], "actions": sorted(command["actions"]),
                    "notes": [n[1] for n in command["notes"]], "rows": [dict(i) for i in command["form"]["items"]]}
        if do == "archive":
            return await self.archive(to, node, q.get("words"))
        if do == "message":
            self.send_message(mto=to, mbody=q["body"], mtype="chat")
            return None
        if do == "reply":
            self.plugin["xep_0461"].send_reply(to, q["id"], mto=to, mbody=q["body"], mtype="chat")
            return None
        if do == "react":
            self.plugin["xep_0444"].send_reactions(to, q["id"], q["emoji"])
            return None
        if do == "presence":
            self.send_presence(pto=to, ptype=q.get("type"))
            return None
        raise ValueError(f"cannot {do}")


def title(payload):
    found = payload.find(f"{{{ATOM}}}title") if payload is not None else None
    return "" if found is None or found.text is None else found.text


def describe(item):
    payload = item["payload"]
    text = "" if payload is None else " ".join(t.strip() for t in payload.itertext() if t.strip())
    return {"id": item["id"], "publisher": item._get_attr("publisher"), "title": title(payload), "text": text}


async def answer(client, line):
    q = json.loads(line)
    try:
        say(n=q["n"], ok=await client.run(q))
    except IqError as error:
        say(n=q["n"], error=error.condition, text=error.text)
    except IqTimeout:
        say(n=q["n"], error="timeout", text="")
    except Exception as error:  # whatever it is, the test must see it
        say(n=q["n"], error=type(error).__name__, text=str(error))


async def main():
    jid, password, address, ca = sys.argv[1:]
    host, port = address.rsplit(":", 1)
    client = Driver(jid, password, ca)
    client.connect((host, int(port)))
    reader = asyncio.StreamReader()
    await client.loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tasks = set()
    while line := await reader.readline():
        task = asyncio.ensure_future(answer(client, line))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await client.disconnect(wait=1)


asyncio.get_event_loop().run_until_complete(main())
