package shop;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

/** What a test does to the broker: any verb of docs/control.md, one POST each. */
final class TestBroker {
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    /** The answer as JSON. */
    static String ask(String verb, String arguments) throws IOException, InterruptedException {
        URI place = URI.create(System.getenv("KBROKER_CONTROL") + "/control/" + verb);
        var request = HttpRequest.newBuilder(place)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(arguments))
                .build();
        var response = HTTP.send(request, BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new AssertionError(verb + ": " + response.body());
        }
        return response.body();
    }

    private TestBroker() {}
}
