// Package ap speaks ActivityPub over HTTP: one guarded client, and the server
// that serves our documents and takes what peers send to our inboxes. What the
// documents mean is not known here. Rule ids such as S3 or SEC-14 in comments
// and logs name the lines of the federation check list that the code answers.
package ap
