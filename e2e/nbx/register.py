"""What Gajim does with a registration form (XEP-0077), by the library that it
is made of, nbxmpp: reads the answer to the request for the form on standard
input, sets the fields that the arguments name (searchable=1), and prints the
request that sends the form back. It fails as Gajim does on an answer that nbxmpp
does not take."""

import sys

from nbxmpp.modules.register.util import _make_register_form, _parse_register_data
from nbxmpp.protocol import JID, Iq
from nbxmpp.simplexml import NodeBuilder

data = _parse_register_data(Iq(node=NodeBuilder(sys.stdin.read()).getDom()))
form = data.form or data.fields_form
for given in sys.argv[1:]:
    name, value = given.split("=", 1)
    form.vars[name].value = value == "1"
if not form.is_valid():
    sys.exit("the form cannot be sent")
form.type_ = "submit"
print(_make_register_form(JID.from_string("gateway.invalid"), form).getQuery())
