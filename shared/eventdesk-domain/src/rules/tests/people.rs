//! Real people with the default rules.

use eventdesk_events::{
    Timestamp,
    employee::EmployeeProfile,
    user::{Contacts, UserProfile},
};

use super::codes;
use crate::rules::{DirectoryRules, RawContacts, RawEmployee, normalise_unique};

const JONES: RawContacts<'_> = RawContacts {
    first_name: Some("Jones"),
    last_name: Some("Smith"),
    phone: Some("+380441234567"),
    email: Some("jones.smith@example.com"),
};

const MARRY: RawEmployee<'_> = RawEmployee {
    first_name: Some("Marry"),
    last_name: Some("Fox"),
    nick_name: Some("Bravo"),
    phone: Some("+380501234567"),
    email: Some("marry.fox@example.com"),
    birthday: Some("1998-06-01"),
    country: Some("Ukraine"),
    city: Some("Kyiv"),
    address: Some("Khreshchatyk Street 22, Kyiv"),
};

fn today() -> Timestamp {
    Timestamp::parse("2026-03-01T12:00:00Z").unwrap()
}

fn employee(raw: RawEmployee<'_>) -> Vec<(&'static str, &'static str)> {
    codes(DirectoryRules::default().employee_profile(raw, today()))
}

#[test]
fn the_sample_user_is_accepted_as_it_is() {
    let profile = DirectoryRules::default().user_profile(Some("IAmManager"), JONES).unwrap();
    let contacts = Contacts {
        first_name: "Jones".into(),
        last_name: "Smith".into(),
        phone: "+380441234567".into(),
        email: "jones.smith@example.com".into(),
    };
    assert_eq!(profile, UserProfile { username: "IAmManager".into(), contacts });
}

#[test]
fn the_shipped_users_are_accepted() {
    let rules = DirectoryRules::default();
    for name in ["admin", "manager", "support"] {
        let email = format!("{name}@fastapi.com");
        let contacts = RawContacts { first_name: Some(name), last_name: Some(name), email: Some(&email), ..JONES };
        assert!(rules.user_profile(Some(name), contacts).is_ok(), "{name}");
    }
}

#[test]
fn the_sample_employee_is_accepted_as_it_is() {
    let profile = DirectoryRules::default().employee_profile(MARRY, today()).unwrap();
    assert_eq!(profile.address.as_deref(), Some("Khreshchatyk Street 22, Kyiv"));
    assert_eq!(profile.birthday.as_deref(), Some("1998-06-01"));
}

#[test]
fn names_of_all_the_world_are_accepted() {
    for name in [
        "O'Brien",
        "O’Connor",
        "Müller-Lüdenscheidt",
        "Nguyễn Thị",
        "D'Angelo",
        "van der Berg",
        "José María",
        "Ng",
        "王",
        "Jean‑Luc",
        "Дмитрий",
        "Ольга-Марія",
        "محمد",
        "علی‌رضا",
        "श्रीनिवास",
        "ไพบูลย์",
        "Þórr",
        "Smith Jr.",
        "Ćosić",
        "Jose\u{301}",
        "Gal·la",
        "ʻAkahi",
        "Łukasz",
        "İbrahim",
        "Straße",
        "Nuñez",
        "山田 太郎",
    ] {
        let raw = RawEmployee { first_name: Some(name), last_name: Some(name), nick_name: Some(name), ..MARRY };
        assert_eq!(employee(raw), [], "{name}");
    }
}

#[test]
fn places_of_all_the_world_are_accepted() {
    for (country, city) in [
        ("Côte d’Ivoire", "Yamoussoukro"),
        ("Bosnia & Herzegovina", "Banja Luka"),
        ("Congo (Brazzaville)", "Pointe-Noire"),
        ("Österreich", "St. Pölten"),
        ("DE", "Halle/Saale"),
        ("Netherlands", "'s-Hertogenbosch"),
        ("USA", "Washington, D.C."),
        ("Norge", "Å"),
        ("日本", "東京"),
        ("Frankreich", "Paris 16e"),
        ("Guinea-Bissau", "Frankfurt (Oder)"),
    ] {
        let raw = RawEmployee { country: Some(country), city: Some(city), ..MARRY };
        assert_eq!(employee(raw), [], "{country}, {city}");
    }
    for address in
        ["Str. 1", "1600 Pennsylvania Ave NW, Apt. #5", "Im Gäßle 3½ – c/o Müller", "東京都千代田区千代田1-1"]
    {
        assert_eq!(employee(RawEmployee { address: Some(address), ..MARRY }), [], "{address}");
    }
}

#[test]
fn what_is_no_name_is_refused() {
    for name in ["", "   ", "<script>", "J0hn", "-", "a;b", "Robert\nTables", "x\u{0}"] {
        let faults = employee(RawEmployee { first_name: Some(name), ..MARRY });
        assert_eq!(faults.len(), 1, "{name:?}");
        assert_eq!(faults[0].0, "first_name");
    }
}

#[test]
fn mail_addresses_have_a_name_and_a_host() {
    for email in
        ["a@b.de", "first.last+tag@sub.example.co.uk", "o'brien@example.com", "用户@例子.公司", "x_1@a-b.museum"]
    {
        assert_eq!(employee(RawEmployee { email: Some(email), ..MARRY }), [], "{email}");
    }
    let long = format!("{}@example.com", "x".repeat(250));
    for email in [
        "",
        "plain",
        "@example.com",
        "a@b",
        "a@b@c.de",
        "a b@example.com",
        "a@-b.de",
        "a@b-.de",
        "a@b..de",
        "<a@b.de>",
        "a@b.de,c@d.de",
        "a@example.com.",
        &long,
    ] {
        assert_eq!(employee(RawEmployee { email: Some(email), ..MARRY }).len(), 1, "{email:?}");
    }
}

#[test]
fn phone_numbers_are_a_plus_and_7_to_20_digits() {
    for phone in ["+1234567", "+12345678901234567890"] {
        assert_eq!(employee(RawEmployee { phone: Some(phone), ..MARRY }), [], "{phone}");
    }
    for phone in ["", "1234567890", "+123456", "+123456789012345678901", "+49 30 1234567", "+1234567a", "++12345678"] {
        assert_eq!(employee(RawEmployee { phone: Some(phone), ..MARRY }).len(), 1, "{phone:?}");
    }
    assert_eq!(employee(RawEmployee { phone: Some("+١٢٣٤٥٦٧٨"), ..MARRY }), [("phone", "pattern")]);
}

#[test]
fn usernames_are_plain() {
    let rules = DirectoryRules::default();
    for name in ["bob", "jones.smith", "a-b_c", "jones@example.com", "R2D2", &"x".repeat(64)] {
        assert!(rules.username(Some(name)).is_ok(), "{name}");
    }
    for (name, code) in [
        ("ab", "too_short"),
        (&*"x".repeat(65), "too_long"),
        ("two words", "pattern"),
        ("jörg", "pattern"),
        ("аdmin", "pattern"),
    ] {
        assert_eq!(codes(rules.username(Some(name))), [("username", code)], "{name}");
    }
    assert_eq!(codes(rules.username(None)), [("username", "required")]);
}

#[test]
fn birthdays_are_real_dates_that_have_come() {
    for birthday in ["1998-06-01", "2024-02-29", "2026-03-01", "1900-01-01", " 1998-06-01 "] {
        assert_eq!(employee(RawEmployee { birthday: Some(birthday), ..MARRY }), [], "{birthday}");
    }
    for birthday in [
        "",
        "1998-6-1",
        "2023-02-29",
        "1900-02-29",
        "1998-13-01",
        "1998-00-10",
        "1998-06-31",
        "01.06.1998",
        "19980601",
        "1998-06-01T00:00:00Z",
        "+998-06-01",
        "1998-W23-1",
        "0000-01-01",
        "１998-06-01",
        "1998/06/01",
    ] {
        assert_eq!(employee(RawEmployee { birthday: Some(birthday), ..MARRY }), [("birthday", "date")], "{birthday:?}");
    }
    assert_eq!(employee(RawEmployee { birthday: Some("2026-03-02"), ..MARRY }), [("birthday", "in_future")]);
}

#[test]
fn all_faults_are_told_at_once() {
    let contacts = RawContacts { first_name: Some(""), last_name: None, phone: Some("12"), email: Some("x") };
    assert_eq!(
        codes(DirectoryRules::default().user_profile(Some("a b c"), contacts)),
        [
            ("username", "pattern"),
            ("first_name", "too_short"),
            ("last_name", "required"),
            ("phone", "too_short"),
            ("email", "too_short"),
        ]
    );
}

#[test]
fn an_employee_needs_a_name_and_a_mail_address_only() {
    assert_eq!(
        employee(RawEmployee::default()),
        [("first_name", "required"), ("last_name", "required"), ("email", "required")]
    );
    let raw =
        RawEmployee { first_name: Some("Marry"), last_name: Some("Fox"), email: MARRY.email, ..RawEmployee::default() };
    let profile = DirectoryRules::default().employee_profile(raw, today()).unwrap();
    assert_eq!(
        profile,
        EmployeeProfile {
            first_name: "Marry".into(),
            last_name: "Fox".into(),
            email: "marry.fox@example.com".into(),
            ..EmployeeProfile::default()
        }
    );
}

#[test]
fn unique_values_are_compared_trimmed_and_without_case() {
    assert_eq!(normalise_unique(" Jones.Smith@Example.COM "), "jones.smith@example.com");
    assert_eq!(normalise_unique("ÄRGER@example.com"), normalise_unique("ärger@example.com"));
}
