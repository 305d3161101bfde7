// The arithmetic of a Merkle tree, as RFC 9162 writes it down.
package main

import (
	"crypto/sha256"
	"math/bits"
)

type hash = [sha256.Size]byte

func node(left, right hash) hash {
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

// split is the largest power of two below n, which is over 1.
func split(n uint64) uint64 { return 1 << (bits.Len64(n-1) - 1) }

// rootOf is MTH of RFC 9162, 2.1.1.
func rootOf(leaves []hash) hash {
	switch n := uint64(len(leaves)); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	default:
		return node(rootOf(leaves[:split(n)]), rootOf(leaves[split(n):]))
	}
}

// climb reads PATH of RFC 9162, 2.1.3.1 backwards: the last hash is a child of the root.
func climb(leaf hash, index, size uint64, path []hash) (hash, bool) {
	if index >= size {
		return hash{}, false
	}
	if size == 1 || len(path) == 0 {
		return leaf, size == 1 && len(path) == 0
	}
	k, sibling, rest := split(size), path[len(path)-1], path[:len(path)-1]
	if index < k {
		root, ok := climb(leaf, index, k, rest)
		return node(root, sibling), ok
	}
	root, ok := climb(leaf, index-k, size-k, rest)
	return node(sibling, root), ok
}

// consistent is the verification of RFC 9162, 2.1.4.2, step by step; from is not 0.
func consistent(from, to uint64, first, second hash, path []hash) bool {
	if from&(from-1) == 0 {
		path = append([]hash{first}, path...)
	}
	if len(path) == 0 {
		return false
	}
	fn, sn := from-1, to-1
	for ; fn&1 == 1; fn, sn = fn>>1, sn>>1 {
	}
	fr, sr := path[0], path[0]
	for _, c := range path[1:] {
		if sn == 0 {
			return false
		}
		if fn&1 == 1 || fn == sn {
			fr, sr = node(c, fr), node(c, sr)
			for ; fn&1 == 0 && fn != 0; fn, sn = fn>>1, sn>>1 {
			}
		} else {
			sr = node(sr, c)
		}
		fn, sn = fn>>1, sn>>1
	}
	return fr == first && sr == second && sn == 0
}
