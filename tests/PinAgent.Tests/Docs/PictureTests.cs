using PinAgent.Report.Page;
using Xunit;

namespace PinAgent.Tests.Docs;

/// <summary>The pictures of the documents are what the agent draws.</summary>
public sealed class PictureTests
{
    [Fact]
    public void The_READMEs_node_is_as_the_agent_draws_it() =>
        Golden.Check("../../deploy/docs/node.svg", MapSvg.Render(FleetNode.Status()).ToString());
}
