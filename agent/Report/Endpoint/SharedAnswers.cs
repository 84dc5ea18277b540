namespace PinAgent.Report.Endpoint;

/// <summary>
/// Renders each answer once per state of what it tells of, for all clients: who asks a thousand times makes the agent
/// write one text.
/// </summary>
internal sealed class SharedAnswers
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Answer> _answers = new(StringComparer.Ordinal);
    private object? _state;

    /// <summary>The answer to a question about a state.</summary>
    /// <param name="state">What the answer tells of, by identity; answers about the one before are forgotten.</param>
    /// <param name="question">Which of the answers about it; of few different ones.</param>
    public Answer Get(object state, string question, Func<Answer> render)
    {
        lock (_lock)
        {
            if (!ReferenceEquals(_state, state))
            {
                _answers.Clear();
                _state = state;
            }

            if (!_answers.TryGetValue(question, out var answer))
            {
                _answers[question] = answer = render();
            }

            return answer;
        }
    }
}
