//! What every agent says and understands without being told: the engine's own prompts and commands, in English.

use crate::definition::Command;

/// The engine's prompts: name in `[prompts]`, and the texts.
pub(crate) const PROMPTS: [(&str, &[&str]); 48] = [
    ("anything_else", &["Is there anything else I can do for you?", "Anything else I can help you with?"]),
    ("how_can_i_help", &["How can I help you?"]),
    ("can_do", &["I can help you with {can_do}. What would you like?"]),
    ("not_understood", &["Sorry, I didn't catch that.", "I'm sorry, I did not understand."]),
    ("still_not_understood", &["I'm sorry, I still did not understand."]),
    ("keys", &["You can also press the keys on your phone."]),
    ("silence", &["Are you still there?"]),
    ("silence_again", &["I can't hear you. If you are still there, please say something."]),
    ("silence_end", &["I still can't hear you, so I will hang up now. Please call again. Goodbye!"]),
    ("goodbye", &["Thank you for calling. Goodbye!"]),
    ("time_short", &["We have less than a minute left in this call."]),
    ("time_up", &["I'm sorry, our time is up. Please call again. Goodbye!"]),
    ("transfer", &["One moment please, I will put you through."]),
    ("transfer_emergency", &["I am putting you through to a person right away."]),
    ("emergency_alone", &["If you are in danger, please hang up and call the emergency number now."]),
    ("no_person", &["I'm sorry, there is nobody I can put you through to."]),
    ("transfer_failed", &["I'm sorry, nobody could be reached just now."]),
    ("offer_message", &["Would you like to leave a message?"]),
    ("take_message", &["I'm sorry, nobody can take your call at the moment. I can take a message."]),
    ("what_to_change", &["What would you like to change?", "All right. What should I change?"]),
    ("yes_or_no", &["Please say yes, or tell me what to change."]),
    ("did_you_say", &["Did you say {heard}?", "I heard {heard}. Is that right?"]),
    ("did_you_want", &["Did you want to {label}?"]),
    ("say_again", &["Sorry about that. Please say it again."]),
    ("start_over", &["All right, let's start over."]),
    ("never_mind", &["All right, I have dropped that."]),
    ("changed", &["All right."]),
    ("failed", &["I'm sorry, that did not work just now."]),
    ("refused", &["I'm sorry, that is not possible."]),
    ("not_offered", &["I'm sorry, I can't {label}."]),
    ("resumed", &["Sorry, we were cut off for a moment."]),
    ("filler", &["One moment, please.", "Just a second.", "Let me think."]),
    ("filler_tool", &["One moment, I am looking that up.", "I am still looking.", "This takes a little longer."]),
    ("apology", &["I'm sorry that this takes so long. Please stay on the line."]),
    ("stalled", &["I'm sorry, I can't get this done just now."]),
    ("closing", &["We are sorry, our service is being restarted. We will call you back. Goodbye!"]),
    ("closing_no_number", &["We are sorry, our service is being restarted. Please call again in a few minutes. Goodbye!"]),
    ("busy", &["We are sorry, all our lines are busy at the moment. Please call again later. Goodbye!"]),
    ("closed", &["We are sorry, we are closed at the moment. Please call again during our opening hours. Goodbye!"]),
    ("hold_welcome", &["All our agents are busy at the moment."]),
    ("hold_position", &["You are number {position} in line."]),
    ("hold_next", &["You are next in line."]),
    ("hold_wait", &["The expected wait is about {minutes} minutes."]),
    ("hold_wait_short", &["The expected wait is less than a minute."]),
    ("hold_callback", &["If you would like us to call you back, press 1."]),
    ("hold_callback_done", &["Thank you. We will call you back at this number. Goodbye!"]),
    ("hold_ready", &["Thank you for waiting."]),
    ("hold_removed", &["We are sorry, nobody can take your call at the moment. Please call again later. Goodbye!"]),
];

/// What a prompt that is said outside the dialogue may speak of. There is no request whose slots could be put in.
pub(crate) fn outside_words(name: &str) -> Option<&'static [&'static str]> {
    match name {
        "hold_position" => Some(&["position"]),
        "hold_wait" => Some(&["minutes"]),
        "busy" | "closed" | "closing" | "closing_no_number" | "resumed" | "transfer_failed" | "offer_message" | "filler"
        | "filler_tool" | "apology" => Some(&[]),
        _ if name.starts_with("hold_") => Some(&[]),
        _ => None,
    }
}

/// Why a value is not taken.
pub(crate) const INVALID: [(&str, &str); 5] = [
    ("too_few", "I'm sorry, it must be at least {min}."),
    ("too_many", "I'm sorry, {max} is the most I can take."),
    ("past", "{value} is in the past."),
    ("too_far", "{value} is too far ahead; I can't book that yet."),
    ("wrong_length", "I heard {value}, which does not have the right length."),
];

/// The phrases of a command.
pub(crate) fn commands(command: Command) -> &'static [&'static str] {
    match command {
        Command::Emergency => &[
            "emergency",
            "[this is|it's] an emergency",
            "[i need|call] [an ambulance|the police|a doctor|the fire department]",
            "there is a fire",
            "fire fire",
            "heart attack",
            "[he|she|i] can't breathe",
            "[someone is|my husband is|my wife is] unconscious",
            "[he|she] is bleeding",
        ],
        Command::Person => &[
            "[i need to|i want to|can i|could i|i'd like to|let me|] [speak|talk] [to|with] [a human|a person|someone|somebody|an agent|the front desk|reception|a real person|an operator|a manager|the manager]",
            "[please|can you|] [connect|transfer] me [to|with] [a human|a person|the front desk|reception|an operator|an agent|someone|the manager]",
            "[agent|operator|human|person|receptionist|representative] [please|]",
            "real person",
            "front desk [please|]",
            "human help",
            "[i have|i'd like to make] a complaint",
            "[i am|i'm] not happy",
            "put me through",
        ],
        Command::Goodbye => &[
            "goodbye",
            "good bye",
            "bye [bye|]",
            "that's all [thank you|thanks|for now|]",
            "that is all",
            "that will be all",
            "that's it [thank you|thanks|]",
            "nothing else [thank you|thanks|]",
            "i'm done",
            "[no thank you|no thanks] [goodbye|bye|that's all]",
            "see you",
            "have a [nice|good] day",
            "hang up",
        ],
        Command::Repeat => &[
            "[can you|could you|please|] repeat [that|please|]",
            "say that again [please|]",
            "[pardon|pardon me|excuse me]",
            "[what did you say|what was that]",
            "come again",
            "[i|sorry i] [didn't|did not] [hear|understand|get|catch] [that|you]",
            "once more [please|]",
            "one more time",
        ],
        Command::StartOver => &[
            "start over",
            "start again",
            "[let's|] begin again",
            "start from the beginning",
            "from the beginning",
            "[go|] back to the start",
            "restart",
        ],
        Command::NeverMind => {
            &["never mind", "forget it", "forget [that|about it]", "cancel that", "stop that", "[i|] changed my mind", "cancel"]
        }
        Command::Help => &["help [me|please|]", "what can you do [for me|]", "what can i [say|do|ask]", "what are my options", "options"],
        Command::Courtesy => &[
            "hello",
            "hello there",
            "hi",
            "hi there",
            "good [morning|afternoon|evening|day]",
            "thank you [very much|so much|]",
            "thanks [a lot|]",
            "how are you",
        ],
    }
}

/// Everyday words outside any agent's domain: they keep a recogniser from hearing the domain in everything.
pub(crate) const BACKGROUND: &str = "about after again all almost along already always another around ask away baby back bad ball bank bear beautiful because bed before \
behind believe best better between big bird black blue board boat body bought box boy bread brother brought brown build busy business buy cake \
camera came care carry cat catch certain chair chance children city class clean clear close clothes cloud coat coffee cold color company computer \
cook cool corner country course cousin cover crazy cry cut dance dark daughter dead deal dear deep different difficult dinner doctor dog door down \
dream dress drink drive dry early earth easy eat egg empty enough ever every everybody everything eyes face fact fall family famous far farm fast \
father favorite feel few field fight figure fill film find finger finish fish floor flower fly follow food foot football forever found free fresh \
friend front full fun funny game garden gave girl glass god gold gone grass great green ground group grow guess gun hair half hand happen happy \
hard hat head hear heart heavy held here high history hit hold holiday home hope horse hospital hot hour house huge hundred hurt husband ice idea \
important inside interesting island job juice jump keep kept kind kitchen knew lady land language large late laugh lawyer learn least leg less \
letter life light line listen live lost lot loud love lucky lunch machine mad magazine man market married matter maybe meat meet milk mind mirror \
miss model moment money moon mother mountain mouth move movie music nature near neighbor never news newspaper nice nobody noise nose nothing \
office often oil old only open orange order other outside page paint paper parents park party past pay peace pencil people perhaps phone picture \
piece place plan plane plant play police poor possible present president pretty probably problem program public pull push question quick quiet \
radio rain reach read ready really remember rest rich ride ring river road rock roof round rule run sad safe salt same sand save saw school \
science sea seat secret see sell send sense serious several shape share ship shirt shoe shop short shoulder show shut sick side sign silver \
simple sing sister sit size sky sleep slow small smart smell smile smoke soccer soft son song soon sort sound soup south space special sport \
spring stand star station stay steal still stomach store storm story strange street strong student study stuff stupid sugar summer sun \
supermarket sure surprise sweet swim table talk tall taste tea teach team teeth television terrible test thing think though throw ticket tired \
together tomato tonight top touch toward town toy traffic train travel tree trip trouble truck true try turn ugly uncle under understand university \
use usually vacation vegetable video village visit voice wait wake walk wall war warm wash watch water weather wedding week weight whole wife wild \
win wind window wine winter wish without woman wonder word work world worry worse write wrong yard year yellow yesterday young zoo";
