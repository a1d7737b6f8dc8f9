import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.common.base.Joiner;
import com.google.common.collect.ArrayListMultimap;
import com.google.common.collect.ImmutableList;
import com.google.common.math.LongMath;
import com.google.gson.Gson;
import com.google.gson.reflect.TypeToken;
import java.util.List;
import lombok.Builder;
import lombok.Data;
import lombok.NonNull;
import lombok.val;
import org.apache.commons.lang3.StringUtils;
import org.apache.commons.lang3.tuple.Pair;
import org.junit.jupiter.api.Test;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

@Data
@Builder
class Person {
    @NonNull private final String name;
    private int age;
}

class Sums {
    @Test
    void right() {
        assertEquals(4, 2 + 2);
    }

    @Test
    void wrong() {
        assertEquals(5, 2 + 2);
    }
}

public class Main {
    public static void main(String[] arguments) {
        var byLength = ArrayListMultimap.<Integer, String>create();
        ImmutableList.of("fig", "kiwi", "nut").forEach(word -> byLength.put(word.length(), word));
        System.out.println("guava: " + Joiner.on('+').join(byLength.get(3)) + " " + LongMath.gcd(12, 18));
        List<Integer> numbers = new Gson().fromJson("[1, 2, 3]", new TypeToken<List<Integer>>() {}.getType());
        System.out.println("gson: " + new Gson().toJson(Person.builder().name("Ada").age(numbers.size()).build()));
        System.out.println("lang3: " + StringUtils.reverse("abc") + " " + Pair.of(1, 2));
        val person = Person.builder().name("Grace").build();
        person.setAge(36);
        System.out.println("lombok: " + person);
        var summary = new SummaryGeneratingListener();
        LauncherFactory.create().execute(
                LauncherDiscoveryRequestBuilder.request().selectors(DiscoverySelectors.selectClass(Sums.class)).build(), summary);
        System.out.println("junit: " + summary.getSummary().getTestsSucceededCount() + " of " + summary.getSummary().getTestsFoundCount());
    }
}
