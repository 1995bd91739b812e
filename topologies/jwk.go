package topologies

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// PublicKey is a key that verifies signatures: *rsa.PublicKey,
// *ecdsa.PublicKey, ed25519.PublicKey, or []byte for a shared secret.
type PublicKey struct {
	ID         string
	Algorithms []string // of JWA (RFC 7518, RFC 8037) that it is good for
	Key        any
}

// algorithmsOf are those that a kind of key is good for.
var algorithmsOf = map[string][]string{
	"secret":  {"HS256", "HS384", "HS512"},
	"RSA":     {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"},
	"P-256":   {"ES256"},
	"P-384":   {"ES384"},
	"P-521":   {"ES512"},
	"Ed25519": {"EdDSA"},
}

// leastRSA is the least length of RSA keys, in bits (RFC 7518 section 3.3), and
// mostRSA what it is worth while to compute with.
const (
	leastRSA = 2048
	mostRSA  = 8192
)

var leastSecret = map[string]int{"HS256": 32, "HS384": 48, "HS512": 64} // bytes, RFC 7518 section 3.2

// Read makes the keys of what a file said.
func (k *TokenKey) Read() ([]PublicKey, error) {
	if k.Secret != "" {
		key, err := newKey(k.ID, k.Algorithm, "secret", []byte(k.Secret))
		return []PublicKey{key}, err
	}
	if text := bytes.TrimSpace([]byte(k.Text)); bytes.HasPrefix(text, []byte("{")) {
		return ReadKeySet(text)
	}
	block, _ := pem.Decode([]byte(k.Text))
	if block == nil {
		return nil, errors.New("it is neither PEM nor a JSON Web Key Set")
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if block.Type == "CERTIFICATE" {
		var certificate *x509.Certificate
		if certificate, err = x509.ParseCertificate(block.Bytes); err == nil {
			public = certificate.PublicKey
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read the %s: %w", block.Type, err)
	}
	key, err := newKey(k.ID, k.Algorithm, kindOf(public), public)
	return []PublicKey{key}, err
}

func kindOf(public any) string {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return "RSA"
	case *ecdsa.PublicKey:
		return key.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return ""
}

// newKey binds a key to what it is good for: to one algorithm if that is told.
func newKey(id, algorithm, kind string, key any) (PublicKey, error) {
	good := algorithmsOf[kind]
	switch {
	case good == nil:
		return PublicKey{}, fmt.Errorf("keys of kind %q are not known", kind)
	case algorithm != "" && !slices.Contains(good, algorithm):
		return PublicKey{}, fmt.Errorf("a key of kind %s is not for %s", kind, algorithm)
	case algorithm != "":
		good = []string{algorithm}
	}
	switch key := key.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < leastRSA || bits > mostRSA {
			return PublicKey{}, fmt.Errorf("an RSA key of %d bits: from %d to %d are taken", bits, leastRSA, mostRSA)
		}
	case []byte:
		good = slices.DeleteFunc(slices.Clone(good), func(a string) bool { return len(key) < leastSecret[a] })
		if len(good) == 0 {
			return PublicKey{}, fmt.Errorf("a secret of %d bytes is too short: %d for HS256, 48 for HS384, 64 for HS512", len(key), leastSecret["HS256"])
		}
	}
	return PublicKey{id, good, key}, nil
}

// mostKeys bounds the keys of a set.
const mostKeys = 100

// ReadKeySet reads a JSON Web Key Set (RFC 7517). Keys that are not for
// signatures, or of a kind that is not known, are passed over.
func ReadKeySet(text []byte) ([]PublicKey, error) {
	var set struct{ Keys []jwk }
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("read a key set: %w", err)
	}
	if len(set.Keys) > mostKeys {
		return nil, fmt.Errorf("read a key set: %d keys, at most %d are taken", len(set.Keys), mostKeys)
	}
	var keys []PublicKey
	for _, k := range set.Keys {
		if k.Use != "" && k.Use != "sig" || !slices.Contains([]string{"RSA", "EC", "OKP", "oct"}, k.Kty) {
			continue
		}
		key, err := k.read()
		if err != nil {
			return nil, fmt.Errorf("read key %q of a set: %w", k.Kid, err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("read a key set: it has no key for signatures")
	}
	return keys, nil
}

// jwk is a JSON Web Key.
type jwk struct {
	Kty, Kid, Use, Alg, Crv string
	N, E, X, Y, K           word
}

// word is bytes in base64url without padding.
type word []byte

// UnmarshalText implements encoding.TextUnmarshaler.
func (w *word) UnmarshalText(text []byte) (err error) {
	*w, err = base64.RawURLEncoding.AppendDecode(nil, text)
	return err
}

func (k *jwk) read() (PublicKey, error) {
	switch k.Kty {
	case "RSA":
		e := new(big.Int).SetBytes(k.E)
		if !e.IsInt64() || e.Int64() < 3 || e.Int64() > 1<<31-1 || e.Bit(0) == 0 {
			return PublicKey{}, errors.New("its exponent is out of range")
		}
		return newKey(k.Kid, k.Alg, "RSA", &rsa.PublicKey{N: new(big.Int).SetBytes(k.N), E: int(e.Int64())})
	case "EC":
		public, err := k.point()
		if err != nil {
			return PublicKey{}, err
		}
		return newKey(k.Kid, k.Alg, k.Crv, public)
	case "oct":
		if k.Alg == "" {
			return PublicKey{}, errors.New("a secret has to name its algorithm")
		}
		return newKey(k.Kid, k.Alg, "secret", []byte(k.K))
	}
	if k.Crv != "Ed25519" || len(k.X) != ed25519.PublicKeySize {
		return PublicKey{}, fmt.Errorf("%d bytes on %q are no Ed25519 key", len(k.X), k.Crv)
	}
	return newKey(k.Kid, k.Alg, "Ed25519", ed25519.PublicKey(k.X))
}

// point is a point of the key's curve, which is checked.
func (k *jwk) point() (*ecdsa.PublicKey, error) {
	curve := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}[k.Crv]
	if curve == nil {
		return nil, fmt.Errorf("the curve %q is not known", k.Crv)
	}
	size := (curve.Params().BitSize + 7) / 8
	if len(k.X) != size || len(k.Y) != size {
		return nil, fmt.Errorf("coordinates of %s have %d bytes", k.Crv, size)
	}
	return ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, k.X, k.Y))
}
