package filters

import (
	"crypto/sha256"
	"encoding/hex"
)

// fence returns a line to put before and after data in a prompt. It is made of the data itself: no text can hold its own
// hash, so no text can close its fence early.
func fence(data string) string {
	sum := sha256.Sum256([]byte(data))
	return "=== data " + hex.EncodeToString(sum[:6]) + " ==="
}
