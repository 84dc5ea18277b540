// A virtual machine monitor that isn't QEMU, with KVM's timer: the kernel has a thread kvm-pit/<its process id> for it.
#include "tenant.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

int main(void)
{
    struct kvm_pit_config timer = {0};
    int kvm = open("/dev/kvm", O_RDWR);
    int vm = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0);
    if (vm < 0 || ioctl(vm, KVM_CREATE_IRQCHIP, 0) || ioctl(vm, KVM_CREATE_PIT2, &timer))
        fail("/dev/kvm");
    ready();
    sleep_for_ever();
}
