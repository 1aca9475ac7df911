// Posts messages as a program in Java does that sets nothing up: its client offers HTTP/2 to every server.
//
//     java Posts.java URL TOKEN COUNT [AT_ONCE]
//
// One line per failure; exit code 1 when there was one.

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

public class Posts {
    public static void main(String[] arguments) throws Exception {
        URI uri = URI.create(arguments[0]);
        String bearer = "Bearer " + arguments[1];
        int count = Integer.parseInt(arguments[2]);
        int atOnce = arguments.length > 3 ? Integer.parseInt(arguments[3]) : 1;
        HttpClient client = HttpClient.newHttpClient();
        AtomicInteger failed = new AtomicInteger();
        var threads = Executors.newFixedThreadPool(atOnce);
        for (int number = 0; number < count; number++) {
            String body = "{\"body\": \"post " + number + "\"}";
            HttpRequest request = HttpRequest.newBuilder(uri)
                .header("Authorization", bearer)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
            threads.execute(() -> {
                try {
                    var answer = client.send(request, HttpResponse.BodyHandlers.ofString());
                    if (answer.statusCode() != 201) {
                        failed.incrementAndGet();
                        System.out.println(answer.statusCode() + " " + answer.body());
                    }
                } catch (Exception error) {
                    failed.incrementAndGet();
                    System.out.println(error);
                }
            });
        }
        threads.shutdown();
        threads.awaitTermination(5, java.util.concurrent.TimeUnit.MINUTES);
        System.exit(failed.get() == 0 ? 0 : 1);
    }
}
