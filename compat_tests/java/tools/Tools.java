import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Apache Kafka's command-line tools by their class names, one after the other, in one JVM.
 *
 * <p>A request is a line of JSON on standard input, the answer a line on standard output:
 * {@code {"tool": CLASS, "words": [...], "input": TEXT}} runs the tool to its end and tells {@code {"status", "said"}}
 * (standard output and error, as a terminal shows them). With {@code "background": NAME} it runs beside the others until
 * {@code {"stop": NAME}}, which runs its shutdown hooks as a SIGTERM would.
 *
 * <p>Each run loads the tool's classes anew, since some count in static fields; what a thread prints belongs to the run
 * that started it; Exit ends the run and not the JVM: its thread stops there for good.
 */
public final class Tools {
    private static final long STOP_MS = 20_000;
    private static final InheritableThreadLocal<Run> CURRENT = new InheritableThreadLocal<>();
    private static final ObjectMapper JSON = new ObjectMapper();

    // what a tool asks of Runtime.addShutdownHook: known only there (needs --add-opens java.base/java.lang=ALL-UNNAMED)
    private static final Map<Thread, Thread> RUNTIME_HOOKS = runtimeHooks();

    @SuppressWarnings("unchecked")
    private static Map<Thread, Thread> runtimeHooks() {
        try {
            Field hooks = Class.forName("java.lang.ApplicationShutdownHooks").getDeclaredField("hooks");
            hooks.setAccessible(true);
            return (Map<Thread, Thread>) hooks.get(null);
        } catch (ReflectiveOperationException missing) {
            throw new IllegalStateException(missing);
        }
    }

    /** The classes of the jar with the tools, loaded afresh; everything else is shared. */
    private static final class Fresh extends URLClassLoader {
        Fresh(URL jar) {
            super(new URL[] {jar}, Tools.class.getClassLoader());
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (name.startsWith("org.apache.kafka.tools.")) {
                Class<?> known = findLoadedClass(name);
                if (known != null) {
                    return known;
                }
                try {
                    return findClass(name);
                } catch (ClassNotFoundException elsewhere) {
                    return super.loadClass(name, resolve);
                }
            }
            return super.loadClass(name, resolve);
        }
    }

    /** One tool with its words: what it said, how it ended. */
    private static final class Run {
        final ByteArrayOutputStream said = new ByteArrayOutputStream();
        final List<Runnable> hooks = new CopyOnWriteArrayList<>();
        final CompletableFuture<Integer> status = new CompletableFuture<>();
        volatile Fresh loader;

        void start(String tool, String[] words, URL jar) {
            Thread thread = new Thread(() -> run(tool, words, jar), tool);
            thread.setDaemon(true);
            thread.start();
        }

        private void run(String tool, String[] words, URL jar) {
            CURRENT.set(this);
            try {
                loader = new Fresh(jar);
                Thread.currentThread().setContextClassLoader(loader);
                Class.forName(tool, true, loader).getMethod("main", String[].class).invoke(null, (Object) words);
                status.complete(0);
            } catch (InvocationTargetException failed) {
                failed.getCause().printStackTrace();
                status.complete(1);
            } catch (Throwable failed) {
                failed.printStackTrace();
                status.complete(1);
            }
        }

        /** Waits for the end (or asks for it), and then for the shutdown hooks. */
        int finish(boolean stopped) throws Exception {
            if (!stopped) {
                status.get();
            }
            for (Thread hook : RUNTIME_HOOKS.keySet().toArray(new Thread[0])) {
                if (hook.getContextClassLoader() == loader) {
                    Runtime.getRuntime().removeShutdownHook(hook);
                    hooks.add(hook);
                }
            }
            for (Runnable hook : hooks) {
                Thread last = new Thread(() -> {
                    CURRENT.set(this);
                    hook.run();
                });
                last.setDaemon(true);
                last.start();
                last.join(STOP_MS);
            }
            int ended = status.get(STOP_MS, TimeUnit.MILLISECONDS);
            loader.close();
            return ended;
        }
    }

    /** Hands each byte to the run whose thread writes it. */
    private static final class ByRun extends OutputStream {
        @Override
        public void write(int one) {
            write(new byte[] {(byte) one}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int from, int count) {
            Run run = CURRENT.get();
            if (run != null) {
                run.said.write(bytes, from, count);
            }
        }
    }

    public static void main(String[] words) throws Exception {
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        System.setOut(new PrintStream(new ByRun(), true, StandardCharsets.UTF_8));
        System.setErr(System.out);
        Exit.Procedure end = (status, message) -> {
            Run run = CURRENT.get();
            if (message != null) {
                System.err.println(message);
            }
            run.status.complete(status);
            LockSupport.park();
            throw new IllegalStateException("a process that has ended goes on");
        };
        Exit.setExitProcedure(end);
        Exit.setHaltProcedure(end);
        Exit.setShutdownHookAdder((name, hook) -> CURRENT.get().hooks.add(hook));
        URL jar = Path.of(words[0]).toUri().toURL();
        Map<String, Run> background = new HashMap<>();
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            JsonNode request = JSON.readTree(line);
            Run run;
            int status;
            if (request.has("stop")) {
                run = background.remove(request.get("stop").asText());
                status = run.finish(true);
            } else {
                List<String> all = new ArrayList<>();
                request.get("words").forEach(word -> all.add(word.asText()));
                System.setIn(new ByteArrayInputStream(request.get("input").asText().getBytes(StandardCharsets.UTF_8)));
                run = new Run();
                run.start(request.get("tool").asText(), all.toArray(new String[0]), jar);
                if (request.hasNonNull("background")) {
                    background.put(request.get("background").asText(), run);
                    answers.println("{}");
                    continue;
                }
                status = run.finish(false);
            }
            Map<String, Object> answer = new HashMap<>();
            answer.put("status", status);
            answer.put("said", run.said.toString(StandardCharsets.UTF_8));
            answers.println(JSON.writeValueAsString(answer));
        }
    }

    private Tools() {}
}
