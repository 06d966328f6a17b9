//! What hostile documents become.

use super::*;

fn none_of(html: &str, parts: &[&str]) {
    let low = html.to_lowercase();
    for part in parts {
        assert!(!low.contains(part), "{part} in {html}");
    }
}

#[test]
fn markdown_becomes_html() {
    let html = render(
        "# Roses\n\nPrune *now*, **not** ~~later~~.\n\n- one\n- two\n\n| a | b |\n|--|--|\n| 1 | 2 |",
    );
    for part in [
        "<h3 dir=\"auto\">Roses</h3>",
        "<em>now</em>",
        "<del>later</del>",
        "<li dir=\"auto\">one</li>",
        "<td dir=\"auto\">1</td>",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
}

#[test]
fn scripts_styles_and_frames_become_text() {
    for hostile in [
        "<script>alert(1)</script>",
        "text <script src=\"//evil.example/x.js\"></script>",
        "<style>body{display:none}</style>",
        "<link rel=stylesheet href=http://evil.example/a.css>",
        "<iframe src=\"http://evil.example\"></iframe>",
        "<svg/onload=alert(1)>",
        "<form action=/logout method=post><input name=a></form>",
        "<base href=\"http://evil.example/\">",
        "<meta http-equiv=refresh content=\"0;url=http://evil.example\">",
        "a\n\n<div style=\"position:fixed;top:0\" onclick=\"x()\">b</div>",
        "<!--><img src=x onerror=alert(1)>-->",
        "<math><mi//xlink:href=\"data:x,<script>alert(4)</script>\">",
    ] {
        let html = render(hostile);
        none_of(
            &html,
            &[
                "<script", "<style", "<link", "<iframe", "<svg", "<form", "<input", "<base",
                "<meta", "<div", "<img", "<math",
            ],
        );
        assert!(html.contains("&lt;"), "shown as text: {html}");
    }
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let html = render(
        "![a cat](http://evil.example/cat.png \"t\") ![][x] <img src='http://e.example/y'>\n\n[x]: //evil.example/z",
    );
    none_of(&html, &["<img", "src=\"", "//evil.example/z"]);
    assert!(
        html.contains("href=\"/out?to=http%3A%2F%2Fevil.example%2Fcat.png\""),
        "{html}"
    );
    assert!(html.contains("a cat"), "{html}");
}

#[test]
fn links_lead_to_the_page_that_warns_or_nowhere() {
    for lost in [
        "/sign-out",
        "//evil.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "JaVaScRiPt:alert(1)",
        "mailto:a@b.example",
        "vbscript:x",
        "file:///etc/passwd",
        "?a",
        "#b",
        "\\\\evil",
        "/out?to=x",
        "http:",
    ] {
        let html = render(&format!("[text]({lost})"));
        none_of(&html, &["<a", "href"]);
    }
    let html = render("[text](https://example.org/a?b=c&d#e)");
    assert!(
        html.contains("href=\"/out?to=https%3A%2F%2Fexample.org%2Fa%3Fb%3Dc%26d%23e\""),
        "{html}"
    );
    assert!(html.contains(REL), "{html}");
    let invite = render("<cliqueclique:ab?at=x>");
    assert!(
        invite.contains("href=\"/join?invite=cliqueclique%3Aab%3Fat%3Dx\""),
        "{invite}"
    );
    let long = format!("[text](http://a.example/{})", "x".repeat(4_000));
    none_of(&render(&long), &["href"]);
}

#[test]
fn bare_addresses_are_links_too() {
    let html = render(
        "See (https://example.org/a_b_c), or http://example.com. And `http://code.example`.",
    );
    assert_eq!(html.matches("<a ").count(), 2, "{html}");
    assert!(html.contains(">https://example.org/a_b_c</a>"), "{html}");
    assert!(html.contains(">http://example.com</a>."), "{html}");
}

#[test]
fn a_link_that_shows_another_place_tells_the_true_one() {
    for (body, host) in [
        ("[www.bank.example](http://evil.example/)", "evil.example"),
        (
            "[https://bank.example](https://bank.example.evil.example)",
            "bank.example.evil.example",
        ),
        ("<https://bank.example@evil.example/>", "evil.example"),
        ("https://bank.example@evil.example/", "evil.example"),
        ("[here](http://evil.example:8080/)", "evil.example:8080"),
        // Cyrillic letters that look like Latin ones.
        (
            "https://\u{430}\u{440}\u{440}\u{4cf}\u{435}.com/",
            "xn--80ak6aa92e.com",
        ),
        ("[\u{202e}moc.knab](http://evil.example)", "evil.example"),
    ] {
        let html = render(body);
        assert!(
            html.contains(&format!("<span class=\"host\">[<bdi>{host}</bdi>]</span>")),
            "{html}"
        );
    }
    none_of(&render("<https://example.org/a>"), &["class=\"host\""]);
}

#[test]
fn characters_that_turn_the_order_are_gone() {
    let html =
        render("pay \u{202e}0001\u{202c} `\u{2066}x\u{2069}` \u{200b}zero\u{feff}\u{0}\u{1b}[31m");
    for character in [
        '\u{202e}', '\u{202c}', '\u{2066}', '\u{2069}', '\u{200b}', '\u{feff}', '\u{1b}', '\u{0}',
    ] {
        assert!(!html.contains(character), "{html:?}");
    }
    assert_eq!(plain::title("# \u{202e}evil\u{202c} #"), "evil");
    assert!(
        render("\u{200f}שלום").contains('\u{200f}'),
        "marks of direction stay"
    );
}

#[test]
fn titles_are_the_first_line_that_says_something() {
    for (body, title) in [
        ("# Roses\nbody", "Roses"),
        ("\n\n  **Bold** \n", "Bold"),
        ("> quoted", "quoted"),
        ("---\ntext", "text"),
        ("", "(no title)"),
        ("\u{202e}\n \n", "(no title)"),
    ] {
        assert_eq!(plain::title(body), title, "{body:?}");
    }
    assert_eq!(plain::title(&"é".repeat(1_000)).chars().count(), 120);
    assert_eq!(
        plain::title(&format!("{}x", "\n".repeat(100_000))),
        "(no title)"
    );
}

/// Deepest nesting of tags in a piece of HTML.
fn depth(html: &str) -> usize {
    let (mut deep, mut most) = (0_usize, 0);
    for tag in html.split('<').skip(1) {
        if tag.starts_with('/') {
            deep = deep.saturating_sub(1);
        } else if !["br", "hr"].iter().any(|void| tag.starts_with(void)) {
            deep += 1;
            most = most.max(deep);
        }
    }
    most
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a test of real time")]
fn what_is_nested_or_repeated_a_million_times_is_bounded() {
    let most = 1024 * 1024;
    let fill = |part: &str, bytes: usize| part.repeat(bytes / part.len());
    let refs = format!("[a]: http://x.example/{}\n\n", "y".repeat(1_500));
    for part in [
        ">",
        "> ",
        "- ",
        "1. ",
        "*a ",
        "**a *b ",
        "[",
        "![",
        "[a](",
        "<a>",
        "<div>\n",
        "`",
        "~~~\n",
        "|",
        "|-",
        "_*",
        "&amp;",
        "<",
        "\\",
        "# a\n",
        "\t",
        "a\n=\n",
        "http://a.b ",
        "[a](http://b.c)",
        "\"",
        "- a\n  ",
        "]",
        "](",
        "$",
        "<!--",
        "<![CDATA[",
        "<?",
        "*_",
        "x**y",
        "\u{202e}",
    ] {
        for bytes in [MOST_MARKDOWN, most] {
            let began = std::time::Instant::now();
            let html = render(&fill(part, bytes));
            assert!(html.len() < 4 * MOST_HTML, "{part:?}: {} bytes", html.len());
            assert!(depth(&html) < 64, "{part:?}: {} deep", depth(&html));
            let took = began.elapsed();
            assert!(took.as_secs() < 10, "{part:?} of {bytes} bytes: {took:?}");
        }
    }
    let nested: String = (0..500)
        .map(|deep| format!("{}- x\n", "  ".repeat(deep)))
        .collect();
    assert!(depth(&render(&nested)) < 64);
    let bomb = format!("{refs}{}", fill("[a] ", MOST_MARKDOWN - refs.len()));
    assert!(render(&bomb).len() < 4 * MOST_HTML);
    let table = format!(
        "{}\n{}\n{}",
        fill("|a", 40_000),
        fill("|-", 40_000),
        fill("|\n", 40_000)
    );
    assert!(render(&table).len() < 4 * MOST_HTML);
}

#[test]
fn a_body_that_is_cut_says_so() {
    let wide = format!(
        "{}\n{}\n{}",
        "|a".repeat(500),
        "|-".repeat(500),
        "|b|\n".repeat(20_000)
    );
    let html = render(&wide);
    assert!(html.ends_with(CUT), "{}", html.len());
    let html = render(&"x ".repeat(MOST_PLAIN));
    assert!(html.starts_with("<pre") && html.ends_with(CUT));
}

#[test]
fn a_title_that_is_shown_is_not_shown_twice() {
    let below = |body| plain::below_title(body, &plain::title(body));
    assert_eq!(below("# Roses\n\nRed."), "\nRed.");
    assert_eq!(below("## Roses\nRed."), "Red.");
    assert_eq!(below("Roses\n\nRed."), "\nRed.");
    assert_eq!(below("\nRoses"), "");
    for body in [
        "Roses\nare red",
        "Roses\n=====",
        "# *Roses*",
        "#roses",
        "See http://roses.example",
        "    Roses",
        "> Roses",
        "",
    ] {
        assert_eq!(below(body), body);
    }
    let long = "r".repeat(500);
    assert_eq!(below(&long), long);
}
