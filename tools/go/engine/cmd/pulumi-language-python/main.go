// Command pulumi-language-python runs Pulumi programs in Python, for a CLI that cannot be downloaded.
//
// Pulumi's own command has been in no registry since version 3.79, which knows neither the option toolchain of a
// project nor how the CLI tells it the option virtualenv. What both mean is in Pulumi's SDK, in its package toolchain,
// which this command asks. What only generates code (pulumi convert, pulumi package add) is not here.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/cmdutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/logging"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

// An engine that has not answered for so long is gone.
const engineTimeout = 5 * time.Minute

func main() {
	tracing := flag.String("tracing", "", "A Zipkin-compatible endpoint that gets traces")
	// Pulumi's host of programs in YAML starts a plugin in Python with an older SDK, which names the options here, too.
	for _, option := range []string{"root", "toolchain", "typechecker", "virtualenv"} {
		flag.String(option, "", "Ignored, as each request has the options")
	}
	flag.Parse()
	logging.InitLogging(false, 0, false)
	cmdutil.InitTracing("pulumi-language-python", "pulumi-language-python", *tracing)
	if err := serve(flag.Arg(0), *tracing); err != nil {
		cmdutil.Exit(err)
	}
}

// serve answers the engine until it is gone; the first line of the output is the port.
func serve(engine, tracing string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	executor := filepath.Join(filepath.Dir(self), "pulumi-language-python-exec")
	if _, err := os.Stat(executor); err != nil {
		return fmt.Errorf("the script that runs programs is missing: %w", err)
	}
	// The engine ends the host with an interrupt, and waits 5 s for that. A shell lets commands in its background ignore
	// interrupts, and so would all that they start.
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if err := rpcutil.Healthcheck(ctx, engine, engineTimeout, cancel); err != nil {
		return fmt.Errorf("the engine cannot be watched: %w", err)
	}
	gone := make(chan bool)
	go func() {
		<-ctx.Done()
		close(gone)
	}()
	server, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: gone,
		Init: func(registrar *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(registrar, &host{executor: executor, engine: engine, tracing: tracing})
			return nil
		},
		Options: rpcutil.OpenTracingServerInterceptorOptions(nil),
	})
	if err != nil {
		return fmt.Errorf("the host cannot be served: %w", err)
	}
	fmt.Println(server.Port)
	return <-server.Done
}
