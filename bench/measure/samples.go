package measure

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"trafficlab/components/policy"
)

// columns of the file of samples; times are in nanoseconds.
var columns = []string{"number", "at", "late", "latency", "status", "reason", "bytes", "class", "cache"}

// writeSamples writes the same bytes for the same samples: the header of the
// gzip file names no time and no machine.
func writeSamples(path string, samples []Sample) (Seal, error) {
	file, err := os.Create(path)
	if err != nil {
		return Seal{}, err
	}
	buffer := bufio.NewWriterSize(file, 1<<16)
	zip := gzip.NewWriter(buffer)
	sealer := newSealer()
	err = encodeSamples(io.MultiWriter(zip, sealer), samples)
	return sealer.seal(len(samples)), errors.Join(err, zip.Close(), buffer.Flush(), file.Close())
}

func encodeSamples(w io.Writer, samples []Sample) error {
	out := csv.NewWriter(w)
	out.Write(columns)
	row := make([]string, len(columns))
	for i := range samples {
		samples[i].encode(row)
		out.Write(row)
	}
	out.Flush()
	return out.Error()
}

func (s *Sample) encode(row []string) {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	row[0] = strconv.FormatUint(s.Number, 10)
	row[1], row[2], row[3] = number(int64(s.At)), number(int64(s.Late)), number(int64(s.Latency))
	row[4], row[5], row[6] = number(int64(s.Status)), s.Reason.String(), number(s.Bytes)
	row[7], row[8] = s.Class, s.Cache
}

// readSamples reads what a seal was put on, and nothing else.
func readSamples(path string, seal Seal) ([]Sample, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	zip, err := gzip.NewReader(bufio.NewReaderSize(file, 1<<16))
	if err != nil {
		return nil, err
	}
	sealer := newSealer()
	samples, err := decodeSamples(io.TeeReader(seal.guarded(zip), sealer), seal.room())
	if err != nil {
		return nil, err
	}
	return samples, seal.matches(sealer.seal(len(samples)))
}

func decodeSamples(r io.Reader, room int) ([]Sample, error) {
	in := csv.NewReader(r)
	in.ReuseRecord = true
	in.FieldsPerRecord = len(columns)
	head, err := in.Read()
	if err == io.EOF {
		return nil, errors.New("it is empty")
	}
	if err != nil {
		return nil, err
	}
	if !slices.Equal(head, columns) {
		return nil, fmt.Errorf("its columns are %q, not %q", head, columns)
	}
	samples := make([]Sample, 0, room)
	words := dictionary{}
	for {
		row, err := in.Read()
		if err == io.EOF {
			return samples, nil
		}
		if err != nil {
			return nil, err
		}
		s, err := decodeSample(row, words)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", len(samples)+2, err)
		}
		samples = append(samples, s)
	}
}

func decodeSample(row []string, words dictionary) (Sample, error) {
	var err error
	number := func(text string) int64 {
		n, bad := strconv.ParseInt(text, 10, 64)
		err = errors.Join(err, bad)
		return n
	}
	s := Sample{
		At: time.Duration(number(row[1])), Late: time.Duration(number(row[2])), Latency: time.Duration(number(row[3])),
		Status: int(number(row[4])), Bytes: number(row[6]), Class: words.word(row[7]), Cache: words.word(row[8]),
	}
	var reason policy.Reason
	err = errors.Join(err, reason.UnmarshalText([]byte(row[5])))
	s.Reason = reason
	n, bad := strconv.ParseUint(row[0], 10, 64)
	s.Number = n
	return s, errors.Join(err, bad)
}

// dictionary keeps one copy of each word: they are few, and rows are many.
type dictionary map[string]string

func (d dictionary) word(text string) string {
	if w, ok := d[text]; ok {
		return w
	}
	w := strings.Clone(text)
	d[w] = w
	return w
}
