package scenarios

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatIsTooMuchForTheLiveWorldSaysSo(t *testing.T) {
	_, err := parse("f", "", []byte(base+"worlds: [moon]\n"), Options{})
	require.ErrorContains(t, err, `worlds[0]: unknown value "moon"`)
	_, err = parse("f", "", []byte(base), Options{Set: []Change{{"lb.replicas", "2"}}})
	require.ErrorContains(t, err, "is not for the live world: the entry lb is several places, and live clients talk to one (worlds: [sim])")
	_, err = parse("f", "", []byte(base), Options{Set: []Change{{"api.replicas", "100"}}})
	require.ErrorContains(t, err, "api has 100 replicas, and a machine runs 64 at most")
	s, err := parse("f", "", []byte(base+"worlds: [sim]\n"), Options{Set: []Change{{"lb.replicas", "2"}, {"api.replicas", "100"}}})
	require.NoError(t, err)
	require.Equal(t, []string{"sim"}, s.Worlds)
}
