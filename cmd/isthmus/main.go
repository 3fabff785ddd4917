// Command isthmus joins the fediverse and XMPP.
package main

func main() {}
