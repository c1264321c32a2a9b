# Opens one route to whoever's token has one scope, whatever their roles. The token is decoded, not verified: the
# gateway has done that.
package demoapi.authz

default allow := false

allow if {
	input.method == "GET"
	input.path == "/sayhello"
	"read_sayhello" in claims.scp
}

claims := payload if {
	[_, payload, _] := io.jwt.decode(input.jwt.tokenValue)
}
