package topologies

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The keys are those of RFC 7517 appendix A.1 and RFC 8037 appendix A.2.
const (
	exampleEC = `{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","kid":"1"}`
	exampleEd = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"2"}`
)

func set(keys ...string) []byte { return []byte(`{"keys": [` + strings.Join(keys, ",") + `]}`) }

func TestKeySets(t *testing.T) {
	keys, err := ReadKeySet(set(exampleEC, `{"kty":"new"}`, `{"kty":"EC","use":"enc"}`, exampleEd,
		`{"kty":"oct","kid":"3","alg":"HS256","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}`))
	require.NoError(t, err)
	require.Len(t, keys, 3)
	require.Equal(t, []string{"ES256"}, keys[0].Algorithms)
	require.IsType(t, &ecdsa.PublicKey{}, keys[0].Key)
	require.Equal(t, []string{"EdDSA"}, keys[1].Algorithms)
	require.IsType(t, ed25519.PublicKey{}, keys[1].Key)
	require.Equal(t, PublicKey{"3", []string{"HS256"}, []byte("0123456789abcdef0123456789abcdef")}, keys[2])
}

func TestKeySetsThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":             "read a key set: unexpected end of JSON input",
		`{"keys": []}`: "read a key set: it has no key for signatures",
		string(set(exampleEC[:len(exampleEC)-1] + `,"alg":"RS256"}`)):                   `read key "1" of a set: a key of kind P-256 is not for RS256`,
		string(set(strings.Replace(exampleEC, "4Etl", "5Etl", 1))):                      `read key "1" of a set: P256 point not on curve`,
		string(set(strings.Replace(exampleEC, `"x":"MKBC`, `"x":"`, 1))):                `read key "1" of a set: coordinates of P-256 have 32 bytes`,
		string(set(strings.Replace(exampleEC, "P-256", "secp256k1", 1))):                `read key "1" of a set: the curve "secp256k1" is not known`,
		string(set(strings.Replace(exampleEd, "11q", "", 1))):                           `read key "2" of a set: 30 bytes on "Ed25519" are no Ed25519 key`,
		string(set(`{"kty":"RSA","kid":"4","n":"AQAB","e":"AQAB"}`)):                    `read key "4" of a set: an RSA key of 17 bits: from 2048 to 8192 are taken`,
		string(set(`{"kty":"RSA","kid":"4","n":"AQAB","e":"Ag"}`)):                      `read key "4" of a set: its exponent is out of range`,
		string(set(`{"kty":"oct","kid":"5","k":"AQAB"}`)):                               `read key "5" of a set: a secret has to name its algorithm`,
		string(set(`{"kty":"oct","kid":"5","alg":"HS256","k":"AQAB"}`)):                 `read key "5" of a set: a secret of 3 bytes is too short: 32 for HS256, 48 for HS384, 64 for HS512`,
		string(set(strings.TrimSuffix(strings.Repeat(exampleEd+",", mostKeys+1), ","))): "read a key set: 101 keys, at most 100 are taken",
	} {
		_, err := ReadKeySet([]byte(text))
		require.ErrorContains(t, err, strings.TrimPrefix(want, "read a key set: unexpected"), text)
	}
	_, err := (&TokenKey{Text: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}).Read()
	require.ErrorContains(t, err, "read the PUBLIC KEY: ")
}

func FuzzKeySets(f *testing.F) {
	f.Add(set(exampleEC, exampleEd))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := ReadKeySet(text)
		require.Equal(t, err == nil, len(keys) > 0)
		for _, k := range keys {
			require.NotEmpty(t, k.Algorithms)
		}
	})
}
