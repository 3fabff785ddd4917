package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"isthmus/e2e/lab"
)

// TestDemo runs the demo as make demo does, to its last step.
func TestDemo(t *testing.T) {
	root, err := lab.Root()
	if err != nil {
		t.Fatal(err)
	}
	ctx := within(t, 5*patience)
	cmd := exec.CommandContext(ctx, filepath.Join(runDir, "demo"), "--once")
	cmd.Dir = root
	// It makes namespaces of its own, as it would for a user.
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "ISTHMUS_LAB_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "ISTHMUS_BIN="+gatewayBinary())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the demo failed: %v\n%s", err, out)
	}
	for _, want := range []string{"alice@fedi.localhost has the post", "Alice likes the post", "Louise reads what Alice wrote before", "410 Gone"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the demo does not say %q:\n%s", want, out)
		}
	}
}
