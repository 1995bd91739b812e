package scenarios

import (
	"fmt"
	"strings"
	"time"

	"trafficlab/topologies"
	"trafficlab/topologies/strict"
)

// Words says what a stream is: "Poisson arrivals, 300/s for 20s: 90% GET
// /products/{zipf 1000 1.1}, …".
func (s Stream) Words() string {
	var words string
	switch {
	case s.Closed != nil:
		words = "closed loop, " + s.Closed.words()
	case s.Replay != nil:
		words = s.Replay.words()
	case s.Poisson:
		words = "Poisson arrivals, " + s.rateWords()
	default:
		words = "evenly spaced, " + s.rateWords()
	}
	if s.At > 0 {
		words += ", from " + strict.Duration(s.At) + " on"
	}
	if s.Replay != nil {
		return words
	}
	if s.Session != nil {
		return "sessions: " + words + ": " + s.Session.words(s.Mix)
	}
	var asks []string
	for _, a := range s.Mix {
		asks = append(asks, a.words(len(s.Mix) == 1))
	}
	return words + ": " + strings.Join(asks, ", ")
}

func (s Stream) rateWords() string {
	if s.Bursts != nil {
		return s.Bursts.words()
	}
	var legs []string
	for i := range s.Rate {
		legs = append(legs, s.Rate[i].words())
	}
	return strings.Join(legs, ", then ")
}

func (l *Leg) words() string {
	length := strict.Duration(l.For)
	switch {
	case l.Swing > 0:
		return fmt.Sprintf("%s, up and down by %s every %s, for %s", strict.Rate(l.From), strict.Rate(l.Swing), strict.Duration(l.Period), length)
	case l.From == l.To:
		return fmt.Sprintf("%s for %s", strict.Rate(l.From), length)
	}
	return fmt.Sprintf("%s to %s over %s", strict.Rate(l.From), strict.Rate(l.To), length)
}

func (b *Bursts) words() string {
	return fmt.Sprintf("bursts of %s for %s, with %s for %s between them, for %s",
		strict.Rate(b.Rate), lengthWords(b.On), strict.Rate(b.Idle), lengthWords(b.Off), strict.Duration(b.For))
}

func (c *Closed) words() string {
	verb := ""
	if c.Clients == 1 {
		verb = "s"
	}
	thinks := "ask" + verb + " again at once"
	if c.Think.Expected() > 0 {
		thinks = "think" + verb + " for " + lengthWords(c.Think)
	}
	return fmt.Sprintf("%s who %s, for %s", count(c.Clients, "client"), thinks, strict.Duration(c.For))
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// lengthWords is how long something takes.
func lengthWords(d topologies.Distribution) string {
	mean := strict.Duration(d.Expected().Round(time.Microsecond))
	if d.Law == "constant" {
		return mean
	}
	return mean + " on average"
}

func (a *Ask) words(only bool) string {
	words := a.Method + " " + a.Path.String()
	switch {
	case a.Bodies != nil:
		words += " with " + strict.Size(a.Bodies.Expected()) + " on average"
	case a.Body > 0:
		words += " with " + strict.Size(a.Body)
	}
	if !only {
		words = strict.Share(a.Share) + " " + words
	}
	return words
}
