using PinAgent.Model.Kubernetes;

namespace PinAgent.Tests;

internal static class VmiFactsExtensions
{
    /// <summary>The VMI with another request.</summary>
    public static VmiFacts Asking(this VmiFacts vmi, Func<VmiSpec, VmiSpec> change) =>
        vmi with
        {
            Spec = change(vmi.Spec),
        };
}
