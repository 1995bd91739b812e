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
var columns = []string{"number", "at", "late", "latency", "status", "reason", "bytes", "class", "cache", "spans"}

// samplesWriter writes a file of samples as they come: the same bytes for the
// same samples, for the header of the gzip file names no time and no machine.
// The first error is told at the end.
type samplesWriter struct {
	file   io.WriteCloser
	buffer *bufio.Writer
	zip    *gzip.Writer
	sealer *sealer
	out    *csv.Writer
	row    []string
	rows   int
}

func newSamplesWriter(file io.WriteCloser) *samplesWriter {
	w := &samplesWriter{file: file, buffer: bufio.NewWriterSize(file, 1<<16), sealer: newSealer(), row: make([]string, len(columns))}
	w.zip = gzip.NewWriter(w.buffer)
	w.out = csv.NewWriter(io.MultiWriter(w.zip, w.sealer))
	w.out.Write(columns)
	return w
}

func (w *samplesWriter) add(s *Sample) {
	s.encode(w.row)
	w.out.Write(w.row)
	w.rows++
}

// close ends the file and seals it.
func (w *samplesWriter) close() (Seal, error) {
	w.out.Flush()
	err := errors.Join(w.out.Error(), w.zip.Close(), w.buffer.Flush(), w.file.Close())
	return w.sealer.seal(w.rows), err
}

func (s *Sample) encode(row []string) {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	row[0] = strconv.FormatUint(s.Number, 10)
	row[1], row[2], row[3] = number(int64(s.At)), number(int64(s.Late)), number(int64(s.Latency))
	row[4], row[5], row[6] = number(int64(s.Status)), s.Reason.String(), number(s.Bytes)
	row[7], row[8], row[9] = s.Class, s.Cache, string(s.Spans)
}

// samplesReader is the reel of a stored run. It reads what a seal was put on,
// and nothing else.
type samplesReader struct {
	path   string
	seal   Seal
	file   *os.File
	sealer *sealer
	in     *csv.Reader
	words  dictionary
	sample Sample
	rows   int
}

func openSamples(path string, seal Seal) (*samplesReader, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read samples: %w", err)
	}
	r := &samplesReader{path: path, seal: seal, file: file, sealer: newSealer(), words: dictionary{}}
	if err := r.begin(); err != nil {
		return nil, errors.Join(r.damaged(err), file.Close())
	}
	return r, nil
}

// begin reads the head line.
func (r *samplesReader) begin() error {
	zip, err := gzip.NewReader(bufio.NewReaderSize(r.file, 1<<16))
	if err != nil {
		return err
	}
	r.in = csv.NewReader(io.TeeReader(r.seal.guarded(zip), r.sealer))
	r.in.ReuseRecord = true
	r.in.FieldsPerRecord = len(columns)
	head, err := r.in.Read()
	switch {
	case err == io.EOF:
		return errors.New("it is empty")
	case err != nil:
		return err
	case !slices.Equal(head, columns):
		return fmt.Errorf("its columns are %q, not %q", head, columns)
	}
	return nil
}

func (r *samplesReader) damaged(err error) error {
	return fmt.Errorf("read %s: it is damaged: %w", r.path, err)
}

func (r *samplesReader) turn() (*Sample, error) {
	row, err := r.in.Read()
	if err == io.EOF {
		if err := r.seal.matches(r.sealer.seal(r.rows)); err != nil {
			return nil, r.damaged(err)
		}
		return nil, io.EOF
	}
	if err != nil {
		return nil, r.damaged(err)
	}
	if r.sample, err = decodeSample(row, r.words); err != nil {
		return nil, r.damaged(fmt.Errorf("line %d: %w", r.rows+2, err))
	}
	r.rows++
	return &r.sample, nil
}

func (r *samplesReader) Close() error { return r.file.Close() }

func decodeSample(row []string, words dictionary) (Sample, error) {
	var err error
	number := func(text string) int64 {
		n, bad := strconv.ParseInt(text, 10, 64)
		err = errors.Join(err, bad)
		return n
	}
	s := Sample{
		At: time.Duration(number(row[1])), Late: time.Duration(number(row[2])), Latency: time.Duration(number(row[3])),
		Status: int(number(row[4])), Bytes: number(row[6]), Class: words.word(row[7]), Cache: words.word(row[8]), Spans: Spans(strings.Clone(row[9])),
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
