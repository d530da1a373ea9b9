$__conditionalAll(if(environment = '', '(not set)', environment) IN (${environment:singlequote}), $environment)
    AND $__conditionalAll(if(team = '', '(not set)', team) IN (${team:singlequote}), $team)
    AND $__conditionalAll(if(agent = '', '(not set)', agent) IN (${agent:singlequote}), $agent)
    AND $__conditionalAll(if(model = '', '(not set)', model) IN (${model:singlequote}), $model)
