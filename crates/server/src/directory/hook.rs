//! What the API asks of the agents that run here.

use agent::AgentKind;
use api::{Base, DirectoryHook, FieldProblem};
use call::Tier;
use store::agents::StoredAgent;

use super::AgentDirectory;
use super::make::joined;
use super::row::{LANGUAGES, definition};

impl DirectoryHook for AgentDirectory {
    fn changed(&self) {
        self.changed();
    }

    fn voices(&self, keys: &[String]) -> Vec<String> {
        let maker = &self.0.maker;
        let by_models = Tier::ALL.into_iter().flat_map(|tier| maker.model_voices(tier, keys));
        joined(maker.voices(keys).unwrap_or_default(), by_models)
    }

    fn languages(&self) -> Vec<String> {
        LANGUAGES.map(str::to_owned).to_vec()
    }

    fn bases(&self) -> Vec<Base> {
        let bases = self.0.house.bases.iter().map(|base| {
            let tools = match &base.agent.kind {
                AgentKind::Flow(flow) => flow.tools().map(str::to_owned).collect(),
                AgentKind::Echo => Vec::new(),
            };
            Base { id: base.agent.name.clone(), name: base.agent.name.clone(), tools, languages: self.languages() }
        });
        bases.collect()
    }

    fn check(&self, agent: &StoredAgent, declared: &[String], keys: &[String]) -> Result<(), Vec<FieldProblem>> {
        let problems = match definition(agent, declared, keys, &self.0.house, &self.0.maker) {
            Ok(_) => return Ok(()),
            Err(problems) => problems,
        };
        Err(problems.into_iter().map(|problem| FieldProblem { field: format!("/{}", problem.field), message: problem.message }).collect())
    }
}
