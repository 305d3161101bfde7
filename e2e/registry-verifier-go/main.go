// Verifies a log of C2SP tiles from outside, with the standard library alone:
//
//	go run . http://127.0.0.1:8080 'registry.example/main+1a2b3c4d+AY…'
//
// It reads the checkpoint, every entry bundle and every tile, and a few proofs of inclusion and of consistency, and
// recomputes all of them. It knows nothing of what the entries mean: approvals and quorums are for
// `ronctl registry verify`. The verdict goes to standard output, what the proofs of consistency join to standard error.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	tileWidth = 256
	maxBody   = 32 << 20 // A full bundle is 256 entries of at most 64 KiB.
)

// logKey is what a vkey names: name, id, and an Ed25519 key (C2SP signed-note, type 0x01).
type logKey struct {
	name   string
	id     []byte
	public ed25519.PublicKey
}

type checkpoint struct {
	size uint64
	root hash
}

// readLog is a log as far as its entries were read.
type readLog struct {
	url    string
	key    logKey
	leaves []hash
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: registry-verifier URL VKEY")
		os.Exit(2)
	}
	summary, err := verify(strings.TrimRight(os.Args[1], "/"), os.Args[2])
	if err != nil {
		fmt.Println("FAILED:", err)
		os.Exit(1)
	}
	fmt.Println("verified:", summary)
}

func verify(url, vkey string) (string, error) {
	key, err := parseVkey(vkey)
	if err != nil {
		return "", err
	}
	note, err := get(url + "/registry/tlog/checkpoint")
	if err != nil {
		return "", err
	}
	signed, err := openCheckpoint(string(note), key)
	if err != nil {
		return "", err
	}
	leaves, err := readLeaves(url, signed.size)
	if err != nil {
		return "", err
	}
	tiles, err := checkTiles(url, leaves)
	if err != nil {
		return "", err
	}
	log := &readLog{url, key, leaves}
	if err := log.matches(signed); err != nil {
		return "", err
	}
	proofs, err := log.checkProofs()
	if err != nil {
		return "", err
	}
	joined, err := log.checkConsistency(signed.size)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(os.Stderr, "%d proofs of consistency: %s\n", len(joined), strings.Join(joined, ", "))
	return fmt.Sprintf("%s, %d entries, root %x, %d tiles, %d proofs", key.name, signed.size, signed.root, tiles, proofs), nil
}

func parseVkey(vkey string) (logKey, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return logKey{}, fmt.Errorf("%q is not a verifier key: NAME+ID+KEY", vkey)
	}
	material, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(material) != 1+ed25519.PublicKeySize || material[0] != 0x01 {
		return logKey{}, fmt.Errorf("the verifier key of %s is not an Ed25519 key of a log", parts[0])
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), material...))
	if fmt.Sprintf("%x", sum[:4]) != parts[1] {
		return logKey{}, fmt.Errorf("the id %s is not that of the key and the name %s", parts[1], parts[0])
	}
	return logKey{name: parts[0], id: sum[:4], public: material[1:]}, nil
}

// openCheckpoint verifies the signature of the log on a note (C2SP signed-note) and reads its text (tlog-checkpoint).
func openCheckpoint(note string, key logKey) (checkpoint, error) {
	divide := strings.LastIndex(note, "\n\n")
	if divide < 0 {
		return checkpoint{}, fmt.Errorf("the checkpoint has no signatures")
	}
	text, signed := note[:divide+1], false
	for _, line := range strings.Split(strings.TrimSuffix(note[divide+2:], "\n"), "\n") {
		rest, named := strings.CutPrefix(line, "\u2014 "+key.name+" ")
		raw, err := base64.StdEncoding.DecodeString(rest)
		if !named || err != nil || !bytes.HasPrefix(raw, key.id) {
			continue // Signatures of others are no concern of ours.
		}
		if !ed25519.Verify(key.public, []byte(text), raw[len(key.id):]) {
			return checkpoint{}, fmt.Errorf("the signature of %s on the checkpoint does not verify", key.name)
		}
		signed = true
	}
	if !signed {
		return checkpoint{}, fmt.Errorf("the checkpoint is not signed with the key of %s", key.name)
	}
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[0] != key.name {
		return checkpoint{}, fmt.Errorf("the checkpoint is of another log than %s", key.name)
	}
	size, err := strconv.ParseUint(lines[1], 10, 64)
	if err != nil {
		return checkpoint{}, fmt.Errorf("the checkpoint has no size")
	}
	root, err := parseHash(lines[2])
	return checkpoint{size, root}, err
}

func parseHash(line string) (h hash, err error) {
	decoded, err := base64.StdEncoding.DecodeString(line)
	if err != nil || len(decoded) != len(h) {
		return h, fmt.Errorf("%q is not a hash", line)
	}
	return hash(decoded), nil
}

func parseHashes(lines []string) (hashes []hash, err error) {
	hashes = make([]hash, len(lines))
	for i, line := range lines {
		if hashes[i], err = parseHash(line); err != nil {
			return nil, err
		}
	}
	return hashes, nil
}

// readLeaves reads every entry bundle and hashes its entries (RFC 9162, 2.1.1).
func readLeaves(url string, size uint64) ([]hash, error) {
	var leaves []hash // Grows with what is read: the size is only what the log says.
	for index := uint64(0); index*tileWidth < size; index++ {
		width := min(tileWidth, size-index*tileWidth)
		bundle, path, err := getTile(url, "entries", index, width)
		if err != nil {
			return nil, err
		}
		for range width {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				return nil, fmt.Errorf("%s ends in version %d", path, len(leaves)+1)
			}
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			leaves = append(leaves, sha256.Sum256(append([]byte{0}, bundle[2:end]...)))
			bundle = bundle[end:]
		}
	}
	return leaves, nil
}

// checkTiles compares every tile of every level with what the leaves give: a level is the roots of 256 hashes each.
func checkTiles(url string, hashes []hash) (tiles int, err error) {
	for level := 0; len(hashes) > 0; level++ {
		var above []hash
		for start := 0; start < len(hashes); start += tileWidth {
			tile := hashes[start:min(start+tileWidth, len(hashes))]
			served, path, err := getTile(url, strconv.Itoa(level), uint64(start/tileWidth), uint64(len(tile)))
			if err != nil {
				return tiles, err
			}
			for i, expected := range tile {
				at := i * sha256.Size
				if len(served) < at+sha256.Size || !bytes.Equal(served[at:at+sha256.Size], expected[:]) {
					return tiles, fmt.Errorf("hash %d of %s is not what the entries give", i, path)
				}
			}
			if len(tile) == tileWidth {
				above = append(above, rootOf(tile))
			}
			tiles++
		}
		hashes = above
	}
	return tiles, nil
}

// matches compares a checkpoint with the root of as many entries. When the log went on, the new ones are read first.
func (l *readLog) matches(signed checkpoint) error {
	if read := uint64(len(l.leaves)); signed.size > read {
		more, err := readLeaves(l.url, signed.size)
		if err != nil {
			return err
		}
		if !slices.Equal(more[:read], l.leaves) {
			return fmt.Errorf("the first %d entries are others than they were", read)
		}
		l.leaves = more
	}
	if root := rootOf(l.leaves[:signed.size]); root != signed.root {
		return fmt.Errorf("%d entries give the root %x, the checkpoint says %x", signed.size, root, signed.root)
	}
	return nil
}

// checkProofs verifies the tlog-proof of the first, the middle and the last version, each with the checkpoint it brings.
func (l *readLog) checkProofs() (proofs int, err error) {
	size := len(l.leaves)
	if size == 0 {
		return 0, nil
	}
	for _, version := range slices.Compact([]int{1, (size + 1) / 2, size}) {
		text, err := get(fmt.Sprintf("%s/registry/%d/proof", l.url, version))
		if err != nil {
			return proofs, err
		}
		signed, err := checkProof(string(text), l.key, uint64(version-1), l.leaves[version-1])
		if err == nil {
			err = l.matches(signed)
		}
		if err != nil {
			return proofs, fmt.Errorf("the proof of version %d: %w", version, err)
		}
		proofs++
	}
	return proofs, nil
}

func checkProof(text string, key logKey, index uint64, leaf hash) (checkpoint, error) {
	head, note, found := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || lines[1] != fmt.Sprintf("index %d", index) {
		return checkpoint{}, fmt.Errorf("it is not of index %d", index)
	}
	signed, err := openCheckpoint(note, key)
	if err != nil {
		return checkpoint{}, err
	}
	path, err := parseHashes(lines[2:])
	if err != nil {
		return checkpoint{}, err
	}
	root, ok := climb(leaf, index, signed.size, path)
	if !ok || root != signed.root {
		return checkpoint{}, fmt.Errorf("it does not lead to the root of its checkpoint")
	}
	return signed, nil
}

// checkConsistency verifies proofs between sizes of the log, each against the roots its entries give: from the first,
// the middle and the last but one, and from every power of two to the next one and to the whole log.
func (l *readLog) checkConsistency(size uint64) (joined []string, err error) {
	if size < 2 {
		return nil, nil
	}
	pairs := [][2]uint64{{size / 2, size}, {size / 2, size - 1}, {size - 1, size}}
	for power := uint64(1); power < size; power *= 2 {
		pairs = append(pairs, [2]uint64{power, min(2*power, size)}, [2]uint64{power, size})
	}
	slices.SortFunc(pairs, func(a, b [2]uint64) int { return slices.Compare(a[:], b[:]) })
	for _, pair := range slices.Compact(pairs) {
		from, to := pair[0], pair[1]
		path, err := getConsistency(l.url, from, to)
		if err != nil {
			return joined, err
		}
		if !consistent(from, to, rootOf(l.leaves[:from]), rootOf(l.leaves[:to]), path) {
			return joined, fmt.Errorf("the proof of consistency does not join the roots of %d and of %d entries", from, to)
		}
		joined = append(joined, fmt.Sprintf("%d->%d", from, to))
	}
	return joined, nil
}

func getConsistency(url string, from, to uint64) ([]hash, error) {
	body, err := get(fmt.Sprintf("%s/registry/consistency?from=%d&to=%d", url, from, to))
	if err != nil {
		return nil, err
	}
	var proof struct {
		From, To uint64
		Hashes   []string
	}
	if err := json.Unmarshal(body, &proof); err != nil || proof.From != from || proof.To != to {
		return nil, fmt.Errorf("the proof of consistency is not of %d and %d entries", from, to)
	}
	return parseHashes(proof.Hashes)
}

// getTile reads a tile; when its partial form is gone because the log went on, the full one begins with it.
func getTile(url, level string, index, width uint64) ([]byte, string, error) {
	path := "tile/" + level + "/" + fmt.Sprintf("%03d", index%1000)
	for rest := index / 1000; rest > 0; rest /= 1000 {
		path = "tile/" + level + "/" + fmt.Sprintf("x%03d", rest%1000) + strings.TrimPrefix(path, "tile/"+level)
	}
	full := url + "/registry/tlog/" + path
	if width < tileWidth {
		path += fmt.Sprintf(".p/%d", width)
		if body, err := get(fmt.Sprintf("%s.p/%d", full, width)); err == nil {
			return body, path, nil
		}
	}
	body, err := get(full)
	return body, path, err
}

var client = http.Client{Timeout: 30 * time.Second}

func get(url string) ([]byte, error) {
	answer, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s answered %s", url, answer.Status)
	}
	return io.ReadAll(io.LimitReader(answer.Body, maxBody))
}
