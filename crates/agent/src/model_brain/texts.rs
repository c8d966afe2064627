//! The fixed sentences of a brain that thinks with a model: what is said when the model cannot be asked, or need not be. The one place for them.

use flow::Flow;

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $en:literal, $de:literal, $es:literal, $fr:literal;)*) => {
        /// Fixed sentences in one language.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Texts {
            $($(#[$doc])* pub $name: String,)*
        }

        impl Texts {
            /// Our own, in a language that we have them in; else in English.
            pub fn of(language: &str) -> Self {
                let of = |en: &str, de: &str, es: &str, fr: &str| match primary(language) {
                    "de" => de.to_owned(),
                    "es" => es.to_owned(),
                    "fr" => fr.to_owned(),
                    _ => en.to_owned(),
                };
                Self { $($name: of($en, $de, $es, $fr),)* }
            }

            /// As the agent's file words them, where it does so in this language.
            pub fn of_agent(flow: &Flow, language: &str) -> Self {
                let own = Self::of(language);
                if primary(flow.language()) != primary(language) {
                    return own;
                }
                Self { $($name: flow.own_text(stringify!($name)).unwrap_or(own.$name),)* }
            }

            /// All of them: worth rendering ahead.
            pub fn all(&self) -> Vec<String> {
                vec![$(self.$name.clone(),)*]
            }
        }
    };
}

texts! {
    /// Nothing was made of the caller's words.
    not_understood: "Sorry, I didn't catch that.", "Entschuldigung, das habe ich nicht verstanden.", "Perdone, no le he entendido.", "Pardon, je n'ai pas compris.";
    /// Again nothing.
    still_not_understood: "I'm sorry, I still did not understand.", "Es tut mir leid, ich habe Sie immer noch nicht verstanden.", "Lo siento, sigo sin entenderle.", "Je suis désolé, je n'ai toujours pas compris.";
    /// The caller says nothing.
    silence: "Are you still there?", "Sind Sie noch da?", "¿Sigue usted ahí?", "Êtes-vous toujours là ?";
    /// The caller still says nothing.
    silence_again: "I can't hear you. If you are still there, please say something.", "Ich kann Sie nicht hören. Wenn Sie noch da sind, sagen Sie bitte etwas.", "No le oigo. Si sigue ahí, diga algo, por favor.", "Je ne vous entends pas. Si vous êtes toujours là, dites quelque chose, s'il vous plaît.";
    /// The caller is not there: the call ends.
    silence_end: "I still can't hear you, so I will hang up now. Please call again. Goodbye!", "Ich höre Sie leider nicht und lege jetzt auf. Rufen Sie gern wieder an. Auf Wiederhören!", "Sigo sin oírle, así que voy a colgar. Llame de nuevo cuando quiera. ¡Adiós!", "Je ne vous entends toujours pas, je vais donc raccrocher. N'hésitez pas à rappeler. Au revoir !";
    /// The call ends.
    goodbye: "Thank you for calling. Goodbye!", "Vielen Dank für Ihren Anruf. Auf Wiederhören!", "Gracias por llamar. ¡Adiós!", "Merci de votre appel. Au revoir !";
    /// The longest call is over.
    time_up: "I'm sorry, our time is up. Please call again. Goodbye!", "Es tut mir leid, unsere Zeit ist um. Rufen Sie gern wieder an. Auf Wiederhören!", "Lo siento, se nos ha acabado el tiempo. Llame de nuevo cuando quiera. ¡Adiós!", "Je suis désolé, notre temps est écoulé. N'hésitez pas à rappeler. Au revoir !";
    /// The caller is put through.
    transfer: "One moment please, I will put you through.", "Einen Moment bitte, ich verbinde Sie.", "Un momento, por favor, le paso.", "Un instant s'il vous plaît, je vous mets en relation.";
    /// Nobody took the caller who was to be put through.
    transfer_failed: "I'm sorry, nobody could be reached just now.", "Es tut mir leid, gerade ist niemand zu erreichen.", "Lo siento, ahora mismo no hemos podido localizar a nadie.", "Je suis désolé, personne n'est joignable pour le moment.";
    /// It did not work, and the caller may ask for something else.
    failed: "I'm sorry, that did not work just now.", "Es tut mir leid, das hat gerade nicht geklappt.", "Lo siento, eso no ha funcionado ahora mismo.", "Je suis désolé, cela n'a pas fonctionné.";
    /// The line was cut and is there again.
    resumed: "Sorry, we were cut off for a moment.", "Entschuldigung, wir waren kurz unterbrochen.", "Perdone, se ha cortado un momento.", "Pardon, nous avons été coupés un instant.";
    /// The service stops; the caller is called back.
    closing: "We are sorry, our service is being restarted. We will call you back. Goodbye!", "Es tut uns leid, unser Dienst wird neu gestartet. Wir rufen Sie zurück. Auf Wiederhören!", "Lo sentimos, nuestro servicio se está reiniciando. Le devolveremos la llamada. ¡Adiós!", "Nous sommes désolés, notre service redémarre. Nous vous rappellerons. Au revoir !";
    /// The service stops, and nobody can be called back.
    closing_no_number: "We are sorry, our service is being restarted. Please call again in a few minutes. Goodbye!", "Es tut uns leid, unser Dienst wird neu gestartet. Bitte rufen Sie in ein paar Minuten wieder an. Auf Wiederhören!", "Lo sentimos, nuestro servicio se está reiniciando. Llame de nuevo en unos minutos. ¡Adiós!", "Nous sommes désolés, notre service redémarre. Veuillez rappeler dans quelques minutes. Au revoir !";
    /// The answer took too long and is given up.
    stalled: "I'm sorry, that takes too long. Could you say it once more?", "Es tut mir leid, das dauert zu lange. Könnten Sie es noch einmal sagen?", "Lo siento, está tardando demasiado. ¿Podría repetirlo?", "Je suis désolé, cela prend trop de temps. Pourriez-vous répéter ?";
    /// The caller waited, and it goes on now.
    sorry_to_wait: "Sorry to keep you waiting.", "Entschuldigen Sie, dass Sie warten mussten.", "Disculpe la espera.", "Désolé de vous avoir fait attendre.";
    /// An effect is there, and nobody can say more of it.
    done: "That is done.", "Das ist erledigt.", "Ya está hecho.", "C'est fait.";
}

fn primary(language: &str) -> &str {
    language.split('-').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agents_own_words_come_first_in_its_own_language() {
        let file = "id = \"0f5b7a52-6c1e-4d58-9a67-1d0c7f1e2a10\"\nname = \"a\"\ngreeting = \"hi\"\n[prompts]\ngoodbye = \"Bye now!\"\n";
        let flow = Flow::parse(file).unwrap();
        assert_eq!(Texts::of_agent(&flow, "en-GB").goodbye, "Bye now!");
        assert_eq!(Texts::of_agent(&flow, "de-DE").goodbye, "Vielen Dank für Ihren Anruf. Auf Wiederhören!");
        assert_eq!(Texts::of("xx").silence, "Are you still there?");
    }
}
